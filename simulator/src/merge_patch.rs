//! JSON merge patch (RFC 7396): what enters are two JSON values, what leaves is the first changed by the second.
//! It may not fail.

use serde_json::{Map, Value};

/// Changes `target` by `patch`; null removes a member.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn members_are_set_removed_and_kept() {
        let mut target = json!({"expires_in": 86400, "token_type": "bearer", "access_token": "t"});
        merge(&mut target, &json!({"expires_in": "soon", "token_type": null}));
        assert_eq!(target, json!({"expires_in": "soon", "access_token": "t"}));
    }
}
