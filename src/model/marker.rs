//! The marker: the last line of a remote description says which object a client belongs to.

use std::fmt;

const PREFIX: &str = "keysteward:";
const HOLD: &str = "keysteward:hold";

/// Which object a remote client belongs to. Owner, namespace and name are the key; the UID tells lives apart.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Marker {
    /// Id of the Keysteward that owns the client.
    pub owner: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
}

impl Marker {
    /// The marker in a description, if its last non-blank line is one.
    pub fn find(description: &str) -> Option<Self> {
        let line = description.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        let parts: Vec<&str> = line.strip_prefix(PREFIX)?.split('/').collect();
        let [owner, namespace, name, uid] = parts[..] else { return None };
        if [owner, namespace, name, uid].iter().any(|part| part.is_empty()) {
            return None;
        }
        Some(Self {
            owner: owner.into(),
            namespace: namespace.into(),
            name: name.into(),
            uid: uid.into(),
        })
    }

    /// The description with this marker as its last line; the text of people before it stays.
    pub fn written_into(&self, description: &str) -> String {
        let text = match Self::find(description) {
            Some(_) => {
                let trimmed = description.trim_end();
                trimmed.rfind('\n').map_or("", |end| &trimmed[..end])
            }
            None => description,
        };
        let text = text.trim_end();
        if text.is_empty() { self.to_string() } else { format!("{text}\n{self}") }
    }

    /// Whether both name the same object, whatever its life.
    pub fn same_object(&self, other: &Self) -> bool {
        self.owner == other.owner && self.namespace == other.namespace && self.name == other.name
    }
}

/// Whether the platform's administrators forbid every write: the kill switch in the description.
pub fn is_held(description: &str) -> bool {
    description.lines().any(|line| line.split_whitespace().any(|word| word == HOLD))
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, namespace, name, uid } = self;
        write!(f, "{PREFIX}{owner}/{namespace}/{name}/{uid}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker { owner: "o".into(), namespace: "ns".into(), name: "etl".into(), uid: "u-1".into() }
    }

    #[rstest::rstest]
    #[case("", "keysteward:o/ns/etl/u-1")]
    #[case("Nightly reports\nask Ann", "Nightly reports\nask Ann\nkeysteward:o/ns/etl/u-1")]
    #[case("text\nkeysteward:o/ns/etl/u-0\n", "text\nkeysteward:o/ns/etl/u-1")]
    #[case("keysteward:o/ns/etl/u-0", "keysteward:o/ns/etl/u-1")]
    fn the_text_of_people_stays_before_the_marker(#[case] before: &str, #[case] after: &str) {
        let written = marker().written_into(before);
        assert_eq!(written, after);
        assert_eq!(Marker::find(&written), Some(marker()));
        assert_eq!(marker().written_into(&written), written, "writing twice changes nothing");
    }

    #[rstest::rstest]
    #[case("keysteward:o/ns/etl")]
    #[case("keysteward:o/ns/etl/u/more")]
    #[case("keysteward:o//etl/u")]
    #[case("keysteward:o/ns/etl/u\nand then more")]
    #[case("keysteward:hold")]
    fn what_is_no_marker_is_not_found(#[case] text: &str) {
        assert_eq!(Marker::find(text), None);
    }

    #[test]
    fn a_hold_is_seen_anywhere_in_the_text() {
        assert!(is_held("please leave: keysteward:hold\nkeysteward:o/ns/etl/u-1"));
        assert!(!is_held("keysteward:holdings/ns/etl/u-1"));
    }
}
