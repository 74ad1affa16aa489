//! Taking secrets out of text before it goes anywhere.

use super::Secret;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

/// What stands in the place of a secret.
const MASK: &str = "***";
/// A shorter value would mask half of every text and protect nothing.
const SHORTEST: usize = 4;

/// Knows the secrets of a run and takes them out of text: as they are, line by line, in URL encoding,
/// as a JSON string and in base64, alone or within a longer text.
/// Values of fewer than four characters are left alone.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a secret that holds another one goes as a whole.
    needles: Arc<[String]>,
}

impl Redactor {
    /// A redactor for these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        // A variable that a job sets from a secret which is not there is empty.
        let values = secrets.into_iter().map(Secret::expose);
        let values = values.filter(|value| value.chars().count() >= SHORTEST);
        let mut needles: Vec<String> = values.flat_map(forms).collect();
        needles.retain(|needle| needle.chars().count() >= SHORTEST);
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self {
            needles: needles.into(),
        }
    }

    /// Whether it knows no secret: then every text is as it was.
    pub fn is_idle(&self) -> bool {
        self.needles.is_empty()
    }

    /// The text with every secret replaced by `***`.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut clean = Cow::Borrowed(text);
        for needle in self.needles.iter() {
            if clean.contains(needle.as_str()) {
                clean = Cow::Owned(clean.replace(needle.as_str(), MASK));
            }
        }
        clean
    }

    /// Takes every secret out of all texts of a document; its keys are greenroom's own.
    pub fn redact_document(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redact(text).into_owned(),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_document(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.redact_document(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.needles.len())
    }
}

/// The ways in which a value shows up in output.
fn forms(value: &str) -> Vec<String> {
    let trimmed = value.trim();
    let json = serde_json::to_string(value).unwrap_or_default();
    let mut forms = vec![
        value.to_owned(),
        trimmed.to_owned(),
        json.trim_matches('"').to_owned(),
        url(value, true),
        url(value, false),
    ];
    // Output comes in lines; a key of several lines must not show up without one of them.
    if trimmed.contains('\n') {
        forms.extend(trimmed.lines().map(|line| line.trim().to_owned()));
    }
    for alphabet in [STANDARD, URL_SAFE] {
        forms.extend((0..3).map(|offset| base64_within(value, offset, alphabet)));
    }
    forms
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The base64 digits that depend on `value` alone when `offset` bytes stand before it and others
/// after it, as in `user:password`.
fn base64_within(value: &str, offset: usize, alphabet: &[u8; 64]) -> String {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value.as_bytes());
    let mut text = base64(&bytes, alphabet);
    if !bytes.len().is_multiple_of(3) {
        text.pop();
    }
    // A digit holds six bits: the first two bytes before the value reach into three digits.
    text.split_off([0, 2, 3][offset])
}

/// RFC 4648, without padding.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 2);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .chain([0u8; 2].iter().take(3 - chunk.len()))
            .fold(0usize, |word, byte| (word << 8) | usize::from(*byte));
        for digit in 0..=chunk.len() {
            text.push(char::from(alphabet[(word >> (18 - 6 * digit)) & 63]));
        }
    }
    text
}

/// RFC 3986 percent-encoding; in forms (`form`) a space is a `+`.
fn url(value: &str, form: bool) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            b' ' if form => text.push('+'),
            // Writing to a String cannot fail.
            _ => _ = write!(text, "%{byte:02X}"),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(values: &[&str]) -> Redactor {
        let secrets: Vec<Secret> = values.iter().map(|v| Secret::new((*v).to_owned())).collect();
        Redactor::new(&secrets)
    }

    #[test]
    fn a_secret_is_masked_in_every_form_it_takes() {
        let redactor = redactor(&["p ss\"w/rd&1"]);
        for (text, clean) in [
            ("login p ss\"w/rd&1 failed", "login *** failed"),
            (r#"{"password":"p ss\"w/rd&1"}"#, r#"{"password":"***"}"#),
            ("?password=p+ss%22w%2Frd%261&x=1", "?password=***&x=1"),
            ("?password=p%20ss%22w%2Frd%261", "?password=***"),
            ("Bearer cCBzcyJ3L3JkJjE=", "Bearer ***E="),
            // base64 of "u:" and the value, and of "me:", the value and "!"
            ("Basic dTpwIHNzIncvcmQmMQ==", "Basic dTp***Q=="),
            ("Basic bWU6cCBzcyJ3L3JkJjEh", "Basic bWU6***Eh"),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(redactor.redact(text), clean);
        }
    }

    #[test]
    fn a_value_that_is_empty_or_short_is_left_alone() {
        for value in ["", "a", "ab", "abc", "é"] {
            let redactor = redactor(&[value]);
            assert!(redactor.is_idle(), "{value:?}");
            assert_eq!(redactor.redact("abc é"), "abc é");
        }
    }

    #[test]
    fn base64_is_the_one_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
        ] {
            assert_eq!(base64(plain.as_bytes(), STANDARD), encoded);
        }
    }

    #[test]
    fn a_secret_within_another_does_not_leave_the_rest() {
        assert_eq!(redactor(&["abcd", "abcdefgh"]).redact("abcdefgh"), "***");
    }

    #[test]
    fn each_line_of_a_key_is_masked_and_short_values_are_not() {
        let redactor = redactor(&["-----BEGIN-----\nMIIEabc\n-----END-----\n", "on"]);
        assert_eq!(redactor.redact("line MIIEabc is on"), "line *** is on");
    }

    #[test]
    fn without_a_secret_to_mask_it_is_idle() {
        assert!(redactor(&[]).is_idle());
        assert!(!redactor(&["abcd"]).is_idle());
    }

    #[test]
    fn its_debug_form_shows_no_secret() {
        assert!(!format!("{:?}", redactor(&["swordfish"])).contains("swordfish"));
    }
}
