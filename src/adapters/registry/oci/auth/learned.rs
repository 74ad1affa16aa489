//! What each registry wants to be shown: learnt from its first refusal, and remembered.

use super::super::address::Place;
use super::super::credentials::{Credential, Credentials, Found};
use super::super::failure::{clean, refusal};
use super::super::guard::{Errand, Guard};
use super::super::reply::{Reply, setback_of};
use super::super::retry::Setback;
use super::challenge::{Challenge, challenges};
use super::scope::Scope;
use super::scope::merged;
use super::token;
use super::token::{Token, Tokens};
use crate::domain::model::{ErrorKind, Explanation, PortError, Redactor, Secret};
use crate::host::http::{Client, Outgoing, Transfer};
use crate::ports::Clock;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest that a token server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What goes into the `Authorization` header.
#[derive(Debug, Clone)]
pub(in crate::adapters::registry::oci) struct Shown(Secret);

impl Shown {
    fn basic(user: &str, password: &Secret) -> Self {
        let pair = format!("{user}:{}", password.expose());
        Self(Secret::new(format!("Basic {}", STANDARD.encode(pair))))
    }

    fn bearer(token: &Secret) -> Self {
        Self(Secret::new(format!("Bearer {}", token.expose())))
    }

    /// The header's value.
    pub(in crate::adapters::registry::oci) fn value(&self) -> &str {
        self.0.expose()
    }

    /// Takes what is shown out of text, a password also where it stands alone.
    pub(in crate::adapters::registry::oci) fn hidden(&self) -> Redactor {
        let shown = self.value();
        let secret = shown.split_once(' ').map_or(shown, |(_, secret)| secret);
        let pair = STANDARD
            .decode(secret)
            .ok()
            .and_then(|pair| String::from_utf8(pair).ok());
        let password = pair.filter(|_| shown.starts_with("Basic ")).and_then(|pair| {
            pair.split_once(':')
                .map(|(_, password)| Secret::new(password.to_owned()))
        });
        let secret = Secret::new(secret.to_owned());
        Redactor::new([&secret].into_iter().chain(&password))
    }

    fn token(&self) -> Option<Secret> {
        self.0
            .expose()
            .strip_prefix("Bearer ")
            .map(|token| Secret::new(token.to_owned()))
    }
}

/// What a registry wants.
#[derive(Debug, Clone)]
enum Wants {
    /// A user's name and password with every request.
    Basic,
    /// A token of this server.
    Token { realm: String, service: Option<String> },
}

/// What is known of one registry.
#[derive(Debug, Default)]
struct Known {
    wants: Mutex<Option<Wants>>,
    tokens: Mutex<Tokens>,
    /// Held while a token is asked for: all others who need it wait for the same one.
    asking: Mutex<()>,
}

/// Shows registries who asks.
pub(in crate::adapters::registry::oci) struct Auth {
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
    credentials: Credentials,
    pub(in crate::adapters::registry::oci) guard: Guard,
    known: Mutex<BTreeMap<String, Arc<Known>>>,
}

impl Auth {
    pub(in crate::adapters::registry::oci) fn new(
        client: Arc<Client>,
        clock: Arc<dyn Clock>,
        credentials: Credentials,
    ) -> Self {
        Self {
            client,
            clock,
            credentials,
            guard: Guard::default(),
            known: Mutex::default(),
        }
    }

    /// What to show for `wanted`, as far as is known by now; nothing before the first refusal.
    pub(in crate::adapters::registry::oci) fn shown(
        &self,
        place: &Place,
        wanted: &[Scope],
        doing: &str,
    ) -> Result<Option<Shown>, Setback> {
        let known = self.known(place);
        let wants = lock(&known.wants).clone();
        match wants {
            None => Ok(None),
            Some(Wants::Basic) => self.password(place, doing).map(Some),
            Some(Wants::Token { realm, service }) => {
                let asked = Asked {
                    place,
                    realm: &realm,
                    service: service.as_deref(),
                    doing,
                };
                self.token(&known, &asked, wanted).map(Some)
            }
        }
    }

    /// Learns from a refusal of what was `shown`. Returns the scopes to ask for now, the demanded
    /// first; `None` when there is nothing else to show.
    pub(in crate::adapters::registry::oci) fn learn(
        &self,
        place: &Place,
        reply: &Reply,
        shown: Option<&Shown>,
        wanted: &[Scope],
    ) -> Option<Vec<Scope>> {
        let known = self.known(place);
        let header = reply.headers.get("www-authenticate").map_or("", String::as_str);
        let all = challenges(header);
        let basic = all.iter().any(|challenge| challenge.scheme == "basic");
        if let Some(bearer) = all.iter().find(|challenge| challenge.scheme == "bearer")
            && let Some(realm) = bearer.get("realm")
        {
            *lock(&known.wants) = Some(Wants::Token {
                realm: realm.to_owned(),
                service: bearer.get("service").map(str::to_owned),
            });
            if let Some(refused) = shown.and_then(Shown::token) {
                lock(&known.tokens).forget(&refused);
            }
            return Some(merged(&demanded(bearer), wanted));
        }
        let had_password = shown.is_some_and(|shown| shown.token().is_none());
        if !basic || had_password {
            return None;
        }
        *lock(&known.wants) = Some(Wants::Basic);
        Some(wanted.to_vec())
    }

    /// A token without any credential, for a server that a registry redirected to.
    pub(in crate::adapters::registry::oci) fn anonymous(
        &self,
        place: &Place,
        reply: &Reply,
        doing: &str,
    ) -> Result<Option<Shown>, Setback> {
        let header = reply.headers.get("www-authenticate").map_or("", String::as_str);
        let all = challenges(header);
        let Some(bearer) = all.iter().find(|challenge| challenge.scheme == "bearer") else {
            return Ok(None);
        };
        let Some(realm) = bearer.get("realm") else {
            return Ok(None);
        };
        let asked = Asked {
            place,
            realm,
            service: bearer.get("service"),
            doing,
        };
        self.guarded(&asked, &reply.url)?;
        let token = self.exchange(&asked, &demanded(bearer), None)?;
        Ok(Some(Shown::bearer(&token.value)))
    }

    /// Where the credential for this registry came from, or that there is none, and what to do.
    pub(in crate::adapters::registry::oci) fn advice(&self, place: &Place) -> String {
        self.credentials.advice(&place.host, &place.name)
    }

    fn known(&self, place: &Place) -> Arc<Known> {
        let mut known = lock(&self.known);
        Arc::clone(known.entry(place.base.clone()).or_default())
    }

    fn password(&self, place: &Place, doing: &str) -> Result<Shown, Setback> {
        let found = self.found(place, doing)?;
        match found.as_deref() {
            Some(Found {
                credential: Credential::Password { user, password },
                ..
            }) => Ok(Shown::basic(user, password)),
            Some(Found {
                credential: Credential::Identity(token),
                ..
            }) => Ok(Shown::basic("<token>", token)),
            Some(Found {
                credential: Credential::Bearer(token),
                ..
            }) => Ok(Shown::bearer(token)),
            None => Err(Setback::last(PortError::new(
                ErrorKind::Denied,
                doing,
                Explanation::new(format!("{} wants a user and password", place.host)).fix(self.advice(place)),
            ))),
        }
    }

    fn found(&self, place: &Place, doing: &str) -> Result<Option<Arc<Found>>, Setback> {
        self.credentials
            .find(&place.host, &place.name)
            .map_err(|message| Setback::last(PortError::new(ErrorKind::Denied, doing, message)))
    }

    fn token(&self, known: &Known, asked: &Asked<'_>, wanted: &[Scope]) -> Result<Shown, Setback> {
        let held = |now| lock(&known.tokens).find(wanted, now);
        if let Some(token) = held(self.clock.monotonic()) {
            return Ok(Shown::bearer(&token.value));
        }
        let _asking = lock(&known.asking);
        if let Some(token) = held(self.clock.monotonic()) {
            return Ok(Shown::bearer(&token.value));
        }
        let found = self.found(asked.place, asked.doing)?;
        let credential = found.as_deref().map(|found| &found.credential);
        if let Some(Credential::Bearer(token)) = credential {
            return Ok(Shown::bearer(token));
        }
        self.guarded(asked, &asked.place.base)?;
        let token = self.exchange(asked, wanted, credential)?;
        let shown = Shown::bearer(&token.value);
        lock(&known.tokens).keep(token);
        Ok(shown)
    }

    fn guarded(&self, asked: &Asked<'_>, from: &str) -> Result<(), Setback> {
        self.guard
            .permit(from, asked.realm, Errand::Realm)
            .map_err(|why| {
                let message = format!(
                    "{} sends for a token to {}, and greenroom does not go there: {why}",
                    asked.place.host,
                    clean(&crate::host::url::redacted(asked.realm)),
                );
                Setback::last(PortError::new(ErrorKind::Denied, asked.doing, message))
            })
    }

    /// Asks the token server.
    fn exchange(
        &self,
        asked: &Asked<'_>,
        scopes: &[Scope],
        credential: Option<&Credential>,
    ) -> Result<Token, Setback> {
        if let Some(Credential::Identity(identity)) = credential {
            let form = token::form(asked.service, scopes, identity);
            let headers = [("content-type", "application/x-www-form-urlencoded")];
            let mut reply = self.ask(asked, asked.realm, &headers, Some(&form))?;
            reply.hidden = Redactor::new([identity]);
            // A server that knows GET only.
            if !matches!(reply.status, 404 | 405) {
                return self.read(asked, reply, scopes);
            }
        }
        let shown = match credential {
            Some(Credential::Password { user, password }) => Some(Shown::basic(user, password)),
            Some(Credential::Identity(identity)) => Some(Shown::basic("<token>", identity)),
            Some(Credential::Bearer(_)) | None => None,
        };
        let headers: Vec<(&str, &str)> = shown
            .iter()
            .map(|shown| ("authorization", shown.value()))
            .collect();
        let url = token::query(asked.realm, asked.service, scopes);
        let mut reply = self.ask(asked, &url, &headers, None)?;
        reply.hidden = shown.as_ref().map(Shown::hidden).unwrap_or_default();
        self.read(asked, reply, scopes)
    }

    fn ask(
        &self,
        asked: &Asked<'_>,
        url: &str,
        headers: &[(&str, &str)],
        form: Option<&str>,
    ) -> Result<Reply, Setback> {
        let (method, body) = match form {
            Some(form) => ("POST", Outgoing::Bytes(form.as_bytes())),
            None => ("GET", Outgoing::Nothing),
        };
        let incoming = self
            .client
            .transfer(Transfer {
                method,
                url,
                headers,
                body,
                patience: PATIENCE,
                limit: 2 * PATIENCE,
            })
            .map_err(|error| setback_of(&error, asked.doing))?;
        Ok(Reply {
            status: incoming.status,
            headers: incoming.headers,
            body: incoming.body,
            url: asked.realm.to_owned(),
            host: format!(
                "the token server {}",
                clean(&crate::host::url::authority(asked.realm))
            ),
            credential: self.advice(asked.place),
            hidden: Redactor::default(),
        })
    }

    fn read(&self, asked: &Asked<'_>, mut reply: Reply, scopes: &[Scope]) -> Result<Token, Setback> {
        if !matches!(reply.status, 200..=299) {
            return Err(refusal(reply, asked.doing, self.clock.now()).setback);
        }
        let host = reply.host.clone();
        let failed =
            |kind: ErrorKind, why: Explanation| PortError::new(kind, asked.doing, why.while_doing(&host));
        let mut body = Vec::new();
        (&mut reply.body)
            .take(token::LARGEST_ANSWER + 1)
            .read_to_end(&mut body)
            .map_err(|error| Setback::passing(failed(ErrorKind::Transient, (&error).into())))?;
        if body.len() as u64 > token::LARGEST_ANSWER {
            let message = format!("its answer is larger than {} bytes", token::LARGEST_ANSWER);
            return Err(Setback::last(failed(ErrorKind::Invalid, message.into())));
        }
        token::read(&body, scopes.to_vec(), self.clock.monotonic())
            .map_err(|message| Setback::last(failed(ErrorKind::Invalid, message.into())))
    }
}

/// Where a token is asked for, on whose behalf.
struct Asked<'a> {
    place: &'a Place,
    realm: &'a str,
    service: Option<&'a str>,
    doing: &'a str,
}

fn demanded(bearer: &Challenge) -> Vec<Scope> {
    Scope::parse_all(bearer.get("scope").unwrap_or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
