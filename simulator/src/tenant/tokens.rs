//! The store of access tokens: what enters are mints and uses, what leaves is whether a token lives and why not.
//! It may not know what a client is beyond its id and token generation.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::rate::Window;
use crate::clock::later;
use crate::secret::SecretText;

/// An access token.
#[derive(Debug)]
pub(crate) struct Token {
    pub client: Arc<str>,
    pub generation: u32,
    pub expires: Timestamp,
    pub last_used: Timestamp,
    pub window: Window,
    pub scope: Vec<String>,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    Unknown,
    Expired,
    Idled,
}

impl Token {
    /// When the token ends if it is not used again; `idle` is the idle limit in seconds while there is one.
    pub(crate) fn ends(&self, idle: Option<i64>) -> Timestamp {
        match idle {
            Some(seconds) => {
                self.expires.min(later(self.last_used, SignedDuration::from_secs(seconds)))
            }
            None => self.expires,
        }
    }
}

/// All tokens that may still live.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    live: HashMap<SecretText, Token>,
    collect_above: usize,
    /// Every token made since somebody wanted to look whether one leaked.
    remembered: Option<Vec<SecretText>>,
}

impl Tokens {
    pub(crate) fn insert(&mut self, text: SecretText, token: Token, now: Timestamp) {
        if self.live.len() >= self.collect_above {
            self.live.retain(|_, token| token.expires > now);
            self.collect_above = (self.live.len() * 2).max(4096);
        }
        if let Some(remembered) = &mut self.remembered {
            remembered.push(text.clone());
        }
        self.live.insert(text, token);
    }

    /// Keeps the text of every token from now on.
    pub(crate) fn remember(&mut self) {
        self.remembered.get_or_insert_default();
    }

    pub(crate) fn remembered(&self) -> &[SecretText] {
        self.remembered.as_deref().unwrap_or_default()
    }

    /// The token, if its expiry and its idle limit allow.
    pub(crate) fn living(
        &mut self,
        text: &SecretText,
        idle: Option<i64>,
        now: Timestamp,
    ) -> Result<&mut Token, Death> {
        let token = self.live.get_mut(text).ok_or(Death::Unknown)?;
        if token.expires <= now {
            Err(Death::Expired)
        } else if token.ends(idle) <= now {
            Err(Death::Idled)
        } else {
            Ok(token)
        }
    }

    pub(crate) fn get(&self, text: &SecretText) -> Option<&Token> {
        self.live.get(text)
    }

    pub(crate) fn remove(&mut self, text: &SecretText) {
        self.live.remove(text);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Token> {
        self.live.values()
    }
}
