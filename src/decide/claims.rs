//! Two objects cannot have the same client, client name or Secret: who has it, and who waits.

use jiff::Timestamp;

use crate::model::object::ObjectKey;

/// Something that only one object can have.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Claim {
    /// A client name on a platform object's tenant.
    ClientName { tenant: String, name: String },
    /// A Secret in a namespace.
    Secret { namespace: String, name: String },
}

/// An object that claims something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claimant {
    pub object: ObjectKey,
    pub created_at: Option<Timestamp>,
    /// It has the thing already: its marker is on the client, its reference on the Secret.
    pub holds: bool,
}

/// Who among the others goes before `me`: the holder, else the older, else the smaller UID.
pub fn winner<'a>(me: &Claimant, others: &'a [Claimant]) -> Option<&'a Claimant> {
    others
        .iter()
        .filter(|other| other.object.uid != me.object.uid)
        .filter(|other| rank(other) < rank(me))
        .min_by_key(|other| rank(other))
}

fn rank(claimant: &Claimant) -> (bool, Timestamp, &str) {
    (!claimant.holds, claimant.created_at.unwrap_or(Timestamp::MAX), claimant.object.uid.as_str())
}

impl Claim {
    /// What is claimed, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::ClientName { name, .. } => format!("the client name {name:?}"),
            Self::Secret { name, .. } => format!("Secret {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimant(uid: &str, second: i64, holds: bool) -> Claimant {
        Claimant {
            object: ObjectKey { namespace: "ns".into(), name: uid.into(), uid: uid.into() },
            created_at: Timestamp::from_second(second).ok(),
            holds,
        }
    }

    #[rstest::rstest]
    #[case(claimant("b", 2, false), claimant("a", 1, false), true)]
    #[case(claimant("b", 1, false), claimant("a", 2, false), false)]
    #[case(claimant("b", 1, false), claimant("a", 1, false), true)]
    #[case(claimant("b", 1, false), claimant("a", 2, true), true)]
    #[case(claimant("b", 2, true), claimant("a", 1, false), false)]
    fn the_holder_wins_else_the_older_else_the_smaller_uid(
        #[case] me: Claimant,
        #[case] other: Claimant,
        #[case] loses: bool,
    ) {
        let others = [other];
        assert_eq!(winner(&me, &others).is_some(), loses);
        assert_eq!(
            winner(&others[0], std::slice::from_ref(&me)).is_some(),
            !loses,
            "exactly one wins"
        );
    }
}
