//! Tokens: how one is asked for, how it is read, and which are held.

use super::scope::{Scope, covers};
use crate::domain::model::Secret;
use crate::host::url::encoded;
use serde::Deserialize;
use std::time::Duration;

/// The largest answer of a token server, in bytes.
pub(super) const LARGEST_ANSWER: u64 = 64 * 1024;
/// What a token is good for where its server does not say (distribution's token specification).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A token is renewed this long before its end, or a quarter of its life where that is shorter.
const EARLY: Duration = Duration::from_secs(15);

/// A token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// What was asked for.
    pub(super) scopes: Vec<Scope>,
    /// The token itself.
    pub(super) value: Secret,
    /// When it is to be renewed, by the monotonic clock.
    pub(super) renew: Duration,
}

/// The tokens held for one registry.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<Token>);

impl Tokens {
    /// One that is good for `wanted` at `now`.
    pub(super) fn find(&mut self, wanted: &[Scope], now: Duration) -> Option<Token> {
        self.0.retain(|token| token.renew > now);
        let good = self.0.iter().filter(|token| covers(&token.scopes, wanted));
        good.min_by_key(|token| token.scopes.len()).cloned()
    }

    /// Keeps it.
    pub(super) fn keep(&mut self, token: Token) {
        self.0.retain(|held| held.scopes != token.scopes);
        self.0.push(token);
    }

    /// Forgets one that was refused.
    pub(super) fn forget(&mut self, refused: &Secret) {
        self.0.retain(|token| token.value != *refused);
    }
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<f64>,
}

/// Reads a token server's answer that came at `now`; the error says what is wrong with it.
pub(super) fn read(answer: &[u8], scopes: Vec<Scope>, now: Duration) -> Result<Token, String> {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|_| "its answer is no JSON with a token".to_owned())?;
    let value = [answer.token, answer.access_token]
        .into_iter()
        .flatten()
        .find(|token| !token.is_empty())
        .ok_or("its answer holds neither a token nor an access_token")?;
    // A header's value; anything else would end up in the middle of a request.
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the token that it gave holds characters that no token has".to_owned());
    }
    let life = answer
        .expires_in
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(DEFAULT_LIFE);
    Ok(Token {
        scopes,
        value: Secret::new(value),
        renew: now.saturating_add(life).saturating_sub(EARLY.min(life / 4)),
    })
}

/// The URL for asking with GET: one `scope` for each.
pub(super) fn query(realm: &str, service: Option<&str>, scopes: &[Scope]) -> String {
    let mut url = realm.to_owned();
    let mut separator = if realm.contains('?') { '&' } else { '?' };
    let service = service.map(|service| ("service", service.to_owned()));
    let scopes = scopes.iter().map(|scope| ("scope", scope.to_string()));
    for (name, value) in service.into_iter().chain(scopes) {
        url.push(separator);
        url.push_str(name);
        url.push('=');
        url.push_str(&encoded(&value));
        separator = '&';
    }
    url
}

/// The form for asking with POST: all scopes in one, separated by spaces (distribution's OAuth2
/// specification).
pub(super) fn form(service: Option<&str>, scopes: &[Scope], identity: &Secret) -> String {
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    format!(
        "grant_type=refresh_token&client_id=greenroom&service={}&scope={}&refresh_token={}",
        encoded(service.unwrap_or_default()),
        encoded(&scopes.join(" ")),
        encoded(identity.expose()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_token_is_renewed_before_its_end() {
        for (answer, renew) in [
            (r#"{"token":"t"}"#, 100 + 45),
            (r#"{"access_token":"t","expires_in":300}"#, 100 + 285),
            (r#"{"token":"","access_token":"t","expires_in":4}"#, 100 + 3),
            (r#"{"token":"t","expires_in":0}"#, 100 + 45),
            (
                r#"{"token":"t","expires_in":-1,"issued_at":"2020-01-01T00:00:00Z"}"#,
                100 + 45,
            ),
        ] {
            let token = read(answer.as_bytes(), Vec::new(), 100 * SECOND).unwrap();
            assert_eq!(
                (token.value.expose(), token.renew),
                ("t", renew * SECOND),
                "{answer}"
            );
        }
        for wrong in ["", "[]", "{}", r#"{"token":"a\r\nb"}"#, r#"{"token":3}"#] {
            assert!(read(wrong.as_bytes(), Vec::new(), SECOND).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wider_token_serves_until_it_is_due_or_refused() {
        let mut tokens = Tokens::default();
        let both = vec![Scope::repository("a", &["pull", "push"])];
        let pull = [Scope::repository("a", &["pull"])];
        tokens.keep(Token {
            scopes: both.clone(),
            value: Secret::new("one".to_owned()),
            renew: 10 * SECOND,
        });
        assert!(tokens.find(&pull, 9 * SECOND).is_some());
        assert!(
            tokens
                .find(&[Scope::repository("b", &["pull"])], SECOND)
                .is_none()
        );
        assert!(tokens.find(&pull, 10 * SECOND).is_none());
        tokens.keep(Token {
            scopes: both,
            value: Secret::new("two".to_owned()),
            renew: 20 * SECOND,
        });
        tokens.forget(&Secret::new("two".to_owned()));
        assert!(tokens.find(&pull, SECOND).is_none());
    }

    #[test]
    fn requests_for_a_token_are_spelled_as_their_servers_want_them() {
        let scopes = [
            Scope::repository("a/b", &["pull", "push"]),
            Scope::repository("c", &["pull"]),
        ];
        assert_eq!(
            query("https://h/t?x=1", Some("my registry"), &scopes),
            "https://h/t?x=1&service=my%20registry&scope=repository:a/b:pull,push&scope=repository:c:pull"
        );
        assert_eq!(query("https://h/t", None, &[]), "https://h/t");
        assert_eq!(
            form(Some("s"), &scopes, &Secret::new("a+b".to_owned())),
            "grant_type=refresh_token&client_id=greenroom&service=s&scope=repository:a/b:pull,push%20repository:c:pull&refresh_token=a%2Bb"
        );
    }
}
