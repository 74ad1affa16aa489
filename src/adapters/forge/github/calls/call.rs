//! One request as data.

use crate::host::url;
use serde_json::Value;

/// What a request does to what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes something new: sent twice, it may be there twice.
    Post,
    /// Changes what is there.
    Patch,
    /// Removes what is there: sent twice, it is as gone as before.
    Delete,
}

impl Method {
    /// As it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether sending it again changes nothing more.
    pub fn repeats(self) -> bool {
        matches!(self, Self::Get | Self::Delete)
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What it does.
    pub method: Method,
    /// What it names, with its query: relative to the repository (`deployments`), or from the root of the API
    /// where it begins with a slash (`/orgs/acme/teams/ops`).
    pub path: String,
    /// Its JSON body.
    pub body: Option<Value>,
    /// The permission that it needs, as it stands in a workflow: `deployments: write`.
    pub needs: &'static str,
}

impl Call {
    pub(super) fn get(needs: &'static str, path: String) -> Self {
        Self {
            method: Method::Get,
            path,
            body: None,
            needs,
        }
    }

    pub(super) fn post(needs: &'static str, path: String, body: Value) -> Self {
        Self {
            method: Method::Post,
            path,
            body: Some(body),
            needs,
        }
    }

    pub(super) fn patch(needs: &'static str, path: String, body: Value) -> Self {
        Self {
            method: Method::Patch,
            path,
            body: Some(body),
            needs,
        }
    }

    pub(super) fn delete(needs: &'static str, path: String) -> Self {
        Self {
            method: Method::Delete,
            path,
            body: None,
            needs,
        }
    }
}

/// `text` as one segment of a path, or as a value of a query: names of environments and labels hold spaces
/// and slashes.
pub(in crate::adapters::forge::github) fn segment(text: &str) -> String {
    url::encoded(text)
        .replace('/', "%2F")
        .replace(':', "%3A")
        .replace(',', "%2C")
}

/// Takes the fields that are null out of an object: GitHub takes an absent field, and not always a null.
pub(super) fn without_nulls(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_one_segment_whatever_it_holds() {
        assert_eq!(segment("eu/staging 1:a,b"), "eu%2Fstaging%201%3Aa%2Cb");
        assert_eq!(segment("grün?x#y"), "gr%C3%BCn%3Fx%23y");
    }

    #[test]
    fn what_is_not_known_is_not_sent() {
        assert_eq!(without_nulls(json!({"a": null, "b": 1})), json!({"b": 1}));
    }
}
