//! From names to ids, within what is allowed: `Desired` becomes a `Wish`, or a sentence that says what to write.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::records::after;
use crate::api::conditions::Reason;
use crate::model::account::{Account, RoleGrant, Settings, Wish};
use crate::model::desired::{CLIENT_CREDENTIALS, Desired, Named as ByName, RoleWish};
use crate::model::inventory::{CatalogPart, Named};
use crate::model::marker::Marker;
use crate::model::platform::{Allowed, PlatformView};
use crate::model::step::{Stuck, Wait, Wants};

/// A name that was looked up longer ago than this may have appeared since.
const KNOWN_FOR: SignedDuration = SignedDuration::from_secs(60);

/// Why there is no wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Unresolved {
    Wait(Wait),
    Stuck(Stuck),
}

/// Resolves every name of the spec.
pub fn resolve(
    desired: &Desired,
    view: &PlatformView,
    marker: Marker,
    now: Timestamp,
) -> Result<Wish, Unresolved> {
    if view.allowed == Allowed::Nothing {
        return Err(Unresolved::Stuck(Stuck {
            reason: Reason::NotAllowed,
            message: format!(
                "{} does not allow namespace {}: an administrator adds it to spec.allow there",
                desired.platform, marker.namespace
            ),
        }));
    }
    if matches!(view.allowed, Allowed::Roles(_))
        && !desired.grant_types.contains(CLIENT_CREDENTIALS)
    {
        return Err(Unresolved::Stuck(Stuck {
            reason: Reason::NotAllowed,
            message: format!(
                "spec.allow of {} bounds clients by their roles, and only client_credentials has roles: other grant types are not allowed there",
                desired.platform
            ),
        }));
    }
    let roles = desired
        .roles
        .iter()
        .map(|role| grant(role, view, now))
        .collect::<Result<BTreeSet<_>, _>>()?;
    Ok(Wish {
        settings: Settings {
            name: desired.client_name.clone(),
            grant_types: desired.grant_types.clone(),
            roles,
            scopes: desired.scopes.clone(),
            redirect_uris: desired.redirect_uris.clone(),
            access_token_lifetime: desired.access_token_lifetime,
        },
        enabled: desired.enabled,
        marker,
    })
}

fn grant(wish: &RoleWish, view: &PlatformView, now: Timestamp) -> Result<RoleGrant, Unresolved> {
    let role = match &wish.role {
        ByName::Name(name) => find("role", name, CatalogPart::Roles, view, now)?,
        ByName::Id(id) => find("role", id, CatalogPart::Roles, view, now)?,
    };
    let division = if wish.division == "*" {
        Named { id: "*".into(), name: "*".into() }
    } else {
        find("division", &wish.division, CatalogPart::Divisions, view, now)?
    };
    if !covers(&view.allowed, &role, &division) {
        return Err(Unresolved::Stuck(Stuck {
            reason: Reason::NotAllowed,
            message: format!(
                "role {:?} in division {:?} is not allowed here: spec.allow of the platform object does not name it",
                role.name, division.name
            ),
        }));
    }
    let grant = RoleGrant { role: role.id.clone(), division: division.id.clone() };
    if let Some(own) = &view.catalog.own_grants {
        let everywhere = RoleGrant { role: role.id.clone(), division: "*".into() };
        if !own.contains(&grant) && !own.contains(&everywhere) {
            let reread = stale(view, CatalogPart::OwnGrants, now);
            let message = format!(
                "the managing OAuth client does not itself hold role {:?} in division {:?}, and {} lets a client hand out only roles that it holds: grant it the role",
                role.name, division.name, view.capabilities.platform
            );
            return Err(if reread {
                wait_for_catalog(message, now)
            } else {
                Unresolved::Stuck(Stuck { reason: Reason::InvalidSpec, message })
            });
        }
    }
    Ok(grant)
}

/// Whether a role in a division is allowed.
fn covers(allowed: &Allowed, role: &Named, division: &Named) -> bool {
    match allowed {
        Allowed::Nothing => false,
        Allowed::AnyRole => true,
        Allowed::Roles(patterns) => patterns.iter().any(|pattern| {
            glob(&pattern.name, &role.name)
                && (pattern.division == "*"
                    || pattern.division == division.name
                    || pattern.division == division.id)
        }),
    }
}

/// A role that the account holds and that is not allowed, for people. Names that are not read yet accuse nobody.
pub fn beyond(account: &Account, view: &PlatformView) -> Option<String> {
    let (Some(roles), Some(divisions)) = (&view.catalog.roles, &view.catalog.divisions) else {
        return None;
    };
    let every = Named { id: "*".into(), name: "*".into() };
    let named = |known: &[Named], id: &str| {
        let unknown = || Named { id: id.to_owned(), name: id.to_owned() };
        known.iter().find(|named| named.id == id).cloned().unwrap_or_else(unknown)
    };
    account.settings.roles.iter().find_map(|grant| {
        let role = named(roles, &grant.role);
        let division =
            if grant.division == "*" { every.clone() } else { named(divisions, &grant.division) };
        let text = || format!("role {:?} in division {:?}", role.name, division.name);
        (!covers(&view.allowed, &role, &division)).then(text)
    })
}

fn find(
    what: &str,
    wanted: &str,
    part: CatalogPart,
    view: &PlatformView,
    now: Timestamp,
) -> Result<Named, Unresolved> {
    let known = match part {
        CatalogPart::Roles => view.catalog.roles.as_deref(),
        CatalogPart::Divisions => view.catalog.divisions.as_deref(),
        CatalogPart::Tenant | CatalogPart::OwnGrants | CatalogPart::IdleTimeout => None,
    };
    let Some(known) = known else {
        return Err(wait_for_catalog(format!("the {what}s of the platform are not read yet"), now));
    };
    if let Some(by_id) = known.iter().find(|named| named.id == wanted) {
        return Ok(by_id.clone());
    }
    let mut by_name = known.iter().filter(|named| named.name == wanted);
    match (by_name.next(), by_name.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(_), Some(_)) => Err(Unresolved::Stuck(Stuck {
            reason: Reason::InvalidSpec,
            message: format!(
                "{what} {wanted:?} is ambiguous: the platform has several of that name; write its id"
            ),
        })),
        (None, _) => {
            let message = format!(
                "{what} {wanted:?} does not exist on the platform{}",
                nearest(wanted, known)
                    .map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
            );
            Err(if stale(view, part, now) {
                wait_for_catalog(message, now)
            } else {
                Unresolved::Stuck(Stuck { reason: Reason::InvalidSpec, message })
            })
        }
    }
}

fn stale(view: &PlatformView, part: CatalogPart, now: Timestamp) -> bool {
    view.catalog.read_at.get(&part).is_none_or(|at| now.duration_since(*at) > KNOWN_FOR)
}

fn wait_for_catalog(message: String, now: Timestamp) -> Unresolved {
    Unresolved::Wait(Wait {
        reason: Reason::Progressing,
        message,
        until: after(now, SignedDuration::from_secs(1)),
        wants: Wants::Catalog,
    })
}

/// Whether a pattern with `*` for any text fits.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The name that was probably meant: equal but for case, else within two edits.
fn nearest<'a>(wanted: &str, known: &'a [Named]) -> Option<&'a str> {
    let lower = wanted.to_lowercase();
    known
        .iter()
        .map(|named| (edits(&lower, &named.name.to_lowercase()), named.name.as_str()))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, name)| name)
}

fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("Reporting *", "Reporting Viewer", true)]
    #[case("*", "anything", true)]
    #[case("a*b*c", "a-x-b-y-c", true)]
    #[case("a*b*c", "a-x-c", false)]
    #[case("ab*ba", "aba", false)]
    #[case("Viewer", "Viewer", true)]
    #[case("Viewer", "Viewers", false)]
    #[case("", "", true)]
    fn a_star_stands_for_any_text(#[case] pattern: &str, #[case] text: &str, #[case] fits: bool) {
        assert_eq!(glob(pattern, text), fits);
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = [Named { id: "1".into(), name: "Reporting Viewer".into() }];
        assert_eq!(nearest("reporting viewr", &known), Some("Reporting Viewer"));
        assert_eq!(nearest("Supervisor", &known), None);
    }
}
