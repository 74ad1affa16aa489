//! What requests carry: queries, forms, JSON, and forms with a file.

use crate::adapters::proxmox::Upload;
use serde_json::Value;
use std::sync::Arc;

/// The content of a request.
#[derive(Default)]
pub(super) struct Body {
    pub(super) params: Vec<(String, String)>,
    pub(super) upload: Option<Upload>,
}

impl Body {
    pub(super) fn of(params: Vec<(String, String)>) -> Self {
        Self { params, upload: None }
    }
}

/// `%XX` decoded, and in a form `+` as a space.
pub(super) fn decoded(text: &str, in_form: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let value = digit()? * 16 + digit()?;
                u8::try_from(value).ok()?
            }
            b'+' if in_form => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The parameters of a form or a query.
pub(super) fn form(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name, true)?, decoded(value, true)?))
        })
        .collect()
}

/// The parameters in a JSON object; switches become `0` and `1`, a list is given once for each element.
pub(super) fn json(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| ", or } expected".to_owned())?;
    let object = value.as_object().ok_or("no object")?;
    let mut params = Vec::new();
    for (name, value) in object {
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            one => vec![one],
        };
        for value in values {
            let text = match value {
                Value::Bool(flag) => u8::from(*flag).to_string(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            params.push((name.clone(), text));
        }
    }
    Ok(params)
}

/// A form with a file, which has to be its last field and called `filename`.
pub(super) fn multipart(kind: &str, bytes: &[u8]) -> Result<Body, String> {
    let boundary = kind
        .split_once("boundary=")
        .ok_or("no boundary")?
        .1
        .trim_matches('"');
    let separator = format!("--{boundary}");
    let mut body = Body::default();
    let mut rest = after(bytes, separator.as_bytes()).ok_or("no field")?;
    while !rest.starts_with(b"--") {
        if body.upload.is_some() {
            return Err("a field follows the file".to_owned());
        }
        let content = after(rest, b"\r\n\r\n").ok_or("a field without content")?;
        let head = String::from_utf8_lossy(&rest[..rest.len() - content.len()]).into_owned();
        let end = find(content, format!("\r\n{separator}").as_bytes()).ok_or("a field without an end")?;
        let quoted = |name: &str| {
            let (_, value) = head.split_once(&format!(" {name}=\""))?;
            value.split('"').next().map(str::to_owned)
        };
        let name = quoted("name").ok_or("a field without a name")?;
        let value = content[..end].to_vec();
        match quoted("filename") {
            Some(file) if name == "filename" => {
                let length = value.len() as u64;
                let value: Arc<[u8]> = value.into();
                body.upload = Some(Upload {
                    filename: file,
                    length,
                    open: Arc::new(move || Ok(Box::new(std::io::Cursor::new(value.clone())))),
                });
            }
            Some(_) => return Err(format!("the file is called '{name}' and not 'filename'")),
            None => body
                .params
                .push((name, String::from_utf8_lossy(&value).into_owned())),
        }
        rest = &content[end + 2 + separator.len()..];
    }
    if body.params.first().is_none_or(|(name, _)| name != "content") {
        return Err("the first field is not 'content'".to_owned());
    }
    Ok(body)
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn after<'b>(bytes: &'b [u8], part: &[u8]) -> Option<&'b [u8]> {
    Some(&bytes[find(bytes, part)? + part.len()..])
}
