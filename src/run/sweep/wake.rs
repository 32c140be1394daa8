//! Which objects a sweep wakes.

use crate::decide::sweep::wakes;
use crate::model::account::AccountId;
use crate::model::desired::{Desired, platform_key};
use crate::model::marker::Marker;
use crate::model::platform::PlatformSeen;
use crate::run::objects::key_of;
use crate::run::operator::Operator;
use crate::run::platforms::{Entry, Found, Live};
use crate::run::secrets::Name;

/// Every object of the platform: its session appeared, or went.
pub(in crate::run) fn everybody(operator: &Operator, entry: &Entry) {
    for name in operator.objects.on(&entry.key) {
        operator.wake(&name);
    }
}

/// The objects that the list shows otherwise than written, and those that waited for a list.
pub(super) fn differing(operator: &Operator, entry: &Entry, live: &Live, troubled: bool) {
    let Some(inventory) = &live.inventory else { return };
    let mut woken: Vec<(Name, &'static str)> = Vec::new();
    for guarded in operator.objects.all() {
        let Ok(object) = &guarded.0 else { continue };
        let key = key_of(object);
        if platform_key(object, &key) != entry.key {
            continue;
        }
        let name = (key.namespace.clone(), key.name.clone());
        let waits = {
            let mut memories = operator.memories();
            let memory = memories.entry(name.clone()).or_default();
            memory.catch_up(inventory);
            match &memory.left {
                // A pass that is under way sees this list, or is followed by the next sweep.
                None if memory.running => None,
                None => Some("it was never looked at"),
                Some(left) if left.wants_list => Some("it waits for a list"),
                Some(left) if troubled && !left.settled => Some("the platform answers again"),
                Some(_) => None,
            }
        };
        if let Some(why) = waits {
            woken.push((name, why));
            continue;
        }
        if object.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let Ok(desired) = Desired::parse(object, &key) else { continue };
        let labels = operator.namespaces.labels(&key.namespace);
        let found = operator.platforms.find(
            &entry.key,
            Some(desired.system),
            &key.namespace,
            labels.as_ref(),
        );
        let Found::Seen(PlatformSeen::Ready(view), _) = found else { continue };
        let marker = Marker {
            owner: operator.options.settings.owner.clone(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: key.uid.clone(),
        };
        let memories = operator.memories();
        let memory = memories.get(&name);
        let differed =
            memory.and_then(|memory| memory.left.as_ref()).is_some_and(|left| left.differs);
        let client_id = memory
            .and_then(|memory| memory.client_id.clone())
            .or_else(|| object.status.as_ref()?.remote.as_ref()?.client_id.clone());
        let account = client_id.as_ref().and_then(|id| {
            let id = AccountId(id.clone());
            match memory {
                Some(memory) => memory.account(&id, Some(inventory)),
                None => inventory.get(&id).cloned(),
            }
        });
        drop(memories);
        let why =
            wakes(&desired, &marker, client_id.as_deref(), account.as_ref(), &view, inventory);
        let why = why.or_else(|| differed.then_some("its client is as written again"));
        woken.extend(why.map(|why| (name, why)));
    }
    for (name, why) in woken {
        tracing::debug!(namespace = name.0, name = name.1, why, "woken by the sweep");
        operator.wake(&name);
    }
}
