//! What the client sends and what the fake takes, held against the API's own schema (pve-docs,
//! `apidata.js`), which is not part of this repository: `GREENROOM_PROXMOX_DATA` names the directory where
//! it lies as `api-schema.json`, an object from `METHOD /path/{variable}` to the method's description.

use crate::proxmox::{data, every};

use greenroom::adapters::proxmox::ApiRequest;
use greenroom::testing::proxmox::{ApiCall, calls, check, find};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::IpAddr;
use std::process::{Command, Stdio};

fn schema() -> Option<Map<String, Value>> {
    let text = data::read("api-schema.json")?;
    Some(serde_json::from_str(&text).unwrap())
}

fn properties(schema: &Map<String, Value>, call: &str) -> Map<String, Value> {
    let method = schema
        .get(call)
        .unwrap_or_else(|| panic!("the API has no {call}"));
    assert_eq!(method["allowtoken"], 1, "{call} takes no token");
    // A call without parameters has no list of them.
    let properties = &method["parameters"]["properties"];
    properties.as_object().cloned().unwrap_or_default()
}

/// The property of a parameter: `net0` is one of `net[n]`.
fn property<'s>(properties: &'s Map<String, Value>, name: &str) -> Option<&'s Value> {
    properties.get(name).or_else(|| {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        (stem != name).then(|| properties.get(&format!("{stem}[n]")))?
    })
}

fn is_optional(property: &Value) -> bool {
    property["optional"] == 1
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[test]
fn every_request_is_valid() {
    let Some(schema) = schema() else {
        return;
    };
    for request in every::requests() {
        let (call, variables) = find(request.method.as_str(), &request.path).unwrap();
        let key = format!("{} {}", call.method, call.path);
        let properties = properties(&schema, &key);
        let mut given: Vec<(&str, &str)> = variables;
        given.extend(
            request
                .params
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        if let Some(upload) = &request.upload {
            given.push(("filename", &upload.filename));
        }
        for (name, value) in &given {
            let property = property(&properties, name).unwrap_or_else(|| panic!("{key} has no {name}"));
            holds(property, value).unwrap_or_else(|why| panic!("{key}: {name}={value:?}: {why}"));
            if let Some(needed) = property["requires"].as_str() {
                assert!(
                    given.iter().any(|(other, _)| *other == needed),
                    "{key}: {name} needs {needed}"
                );
            }
        }
        for (name, property) in &properties {
            let there = name.contains('[') || given.iter().any(|(given, _)| given == name);
            assert!(there || is_optional(property), "{key} needs {name}: {request:?}");
        }
        let repeated = |name: &str| given.iter().filter(|(given, _)| *given == name).count() > 1;
        for (name, _) in &given {
            let is_list = property(&properties, name).unwrap()["type"] == "array";
            assert!(is_list || !repeated(name), "{key}: {name} is given twice");
        }
    }
}

/// Whether a value is one that a property may have.
fn holds(property: &Value, value: &str) -> Result<(), String> {
    let fail = |why: &str| Err(why.to_owned());
    match property["type"].as_str().unwrap() {
        "boolean" if !matches!(value, "0" | "1") => return fail("no boolean"),
        "integer" => {
            let Ok(number_given) = value.parse::<i64>() else {
                return fail("no integer");
            };
            if number(&property["minimum"]).is_some_and(|least| number_given < least)
                || number(&property["maximum"]).is_some_and(|most| number_given > most)
            {
                return fail("out of range");
            }
        }
        _ => {}
    }
    if number(&property["maxLength"])
        .is_some_and(|most| value.chars().count() > usize::try_from(most).unwrap())
    {
        return fail("too long");
    }
    if let Some(allowed) = property["enum"].as_array()
        && !allowed.iter().any(|one| one == value)
    {
        return fail("not in the enumeration");
    }
    if let Some(pattern) = property["pattern"].as_str()
        && !matches(pattern, value)
    {
        return fail("does not match the pattern");
    }
    match &property["format"] {
        Value::String(format) if !has_format(format, value) => Err(format!("not of the format {format}")),
        Value::Object(parts) => has_parts(parts, value),
        _ => Ok(()),
    }
}

/// Patterns are Perl's: nothing else reads them for certain.
fn matches(pattern: &str, value: &str) -> bool {
    let script = r#"local $/; my $value = <STDIN>; exit($value =~ m/^$ARGV[0]$/ ? 0 : 1)"#;
    let mut perl = Command::new("perl")
        .args(["-e", script, pattern])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    perl.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    perl.wait().unwrap().success()
}

/// `bridge=vmbr0,tag=12`: the names have to be known, and those that are needed there.
fn has_parts(parts: &Map<String, Value>, value: &str) -> Result<(), String> {
    let default = parts.iter().find(|(_, part)| part["default_key"] == 1);
    let mut given = BTreeSet::new();
    for part in value.split(',') {
        let name = match part.split_once('=') {
            Some((name, _)) => name,
            // The schema at hand has lost which part may stand alone.
            None => default.map_or("", |(name, _)| name),
        };
        if !name.is_empty() && !parts.contains_key(name) {
            return Err(format!("{name} is unknown"));
        }
        given.insert(name);
    }
    let missing = parts.iter().find(|(name, part)| {
        // `virtio=MAC` stands for a model and its address, and a volume stands alone.
        let alone = matches!(name.as_str(), "model" | "volume" | "file" | "current");
        !alone && !is_optional(part) && part["type"].is_string() && !given.contains(name.as_str())
    });
    missing.map_or(Ok(()), |(name, _)| Err(format!("{name} is missing")))
}

fn has_format(format: &str, value: &str) -> bool {
    let word = |value: &str, extra: &str| {
        !value.is_empty()
            && value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    let name = |value: &str| value.starts_with(|c: char| c.is_ascii_alphabetic()) && word(value, "-_");
    let dns = |value: &str| {
        value
            .split('.')
            .all(|label| word(label, "-") && !label.starts_with('-'))
    };
    match format {
        "pve-node" => word(value, "-"),
        "pve-vmid" | "pve-vmid-list" => value.parse::<u32>().is_ok_and(|id| id >= 100),
        "pve-storage-id" => name(value),
        "pve-poolid" => word(value, "-_./"),
        "pve-configid" => name(value) && value.len() > 1,
        "pve-configid-list" => value.split(',').all(name),
        "dns-name" | "dns-name-list" => dns(value),
        "pve-tag-list" => value.is_empty() || value.split(';').all(|tag| word(tag, "_+.-")),
        "urlencoded" => word(value, "-%_.!~*'()"),
        "address-list" | "lxc-ip-with-ll-iface-list" => {
            value.split(' ').all(|address| address.parse::<IpAddr>().is_ok())
        }
        "pve-qm-ipconfig" => value.split(',').all(|part| {
            let (name, value) = part.split_once('=').unwrap();
            let address = value.split('/').next().unwrap();
            matches!(name, "ip" | "ip6" | "gw" | "gw6") && address.parse::<IpAddr>().is_ok()
        }),
        "pve-storage-content" | "pve-storage-content-list" => {
            ["images", "rootdir", "vztmpl", "backup", "iso", "import"].contains(&value)
        }
        other => panic!("the format {other} is not known here"),
    }
}

#[test]
fn the_table_of_the_fake_is_within_the_schema() {
    let Some(schema) = schema() else {
        return;
    };
    for call in calls() {
        let key = format!("{} {}", call.method, call.path);
        let properties = properties(&schema, &key);
        for (name, property) in &properties {
            let known = call
                .params
                .iter()
                .any(|param| param.name == name && param.required);
            let in_path = call.path.contains(&format!("{{{name}}}"));
            assert!(known || in_path || is_optional(property), "{key} needs {name}");
        }
        for param in &call.params {
            let property =
                property(&properties, param.name).unwrap_or_else(|| panic!("{key}: {}", param.name));
            is_within(property, param.kind).unwrap_or_else(|why| panic!("{key}: {}: {why}", param.name));
        }
    }
}

/// Whether a type of the table allows nothing that the schema does not.
fn is_within(property: &Value, kind: &str) -> Result<(), String> {
    let (kind, limits) = kind.split_once(':').unwrap_or((kind, ""));
    let expected = match kind {
        "bool" | "yes" => "boolean",
        "list" => "array",
        "int" | "id" => "integer",
        _ => "string",
    };
    let actual = property["type"].as_str().unwrap();
    // Some numbers are texts there (`memory`), and lists of ids.
    if actual != expected && !(expected == "integer" && actual == "string") {
        return Err(format!("{kind} is no {actual}"));
    }
    if let Some(most) = number(&property["maxLength"]) {
        let own: Option<i64> = limits.parse().ok();
        let bounded = matches!(kind, "snapshot" | "volume" | "dns") || own.is_some_and(|own| own <= most);
        if !bounded {
            return Err(format!("may be longer than {most}"));
        }
    }
    if let Some(allowed) = property["enum"].as_array() {
        let outside = limits
            .split(',')
            .find(|one| !allowed.iter().any(|known| known == one));
        if let Some(outside) = outside.filter(|_| kind == "enum") {
            return Err(format!("{outside} is not allowed"));
        }
    }
    if kind == "int" {
        let (least, most) = limits.split_once(':').unwrap();
        let (least, most): (i64, i64) = (least.parse().unwrap(), most.parse().unwrap());
        if number(&property["minimum"]).is_some_and(|minimum| least < minimum)
            || number(&property["maximum"]).is_some_and(|maximum| most > maximum)
        {
            return Err("the range is wider".to_owned());
        }
    }
    Ok(())
}

#[test]
fn the_fake_takes_every_request_and_no_call_besides() {
    let mut used = BTreeSet::new();
    for request in every::requests() {
        let (call, _) = find(request.method.as_str(), &request.path)
            .unwrap_or_else(|| panic!("the fake does not know {request}"));
        check(call, &with_file(&request)).unwrap_or_else(|refusal| panic!("{request}: {refusal:?}"));
        used.insert((call.method, call.path));
    }
    let known: BTreeSet<_> = calls()
        .iter()
        .map(|call: &ApiCall| (call.method, call.path))
        .collect();
    let unused: Vec<_> = known.difference(&used).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

fn with_file(request: &ApiRequest) -> Vec<(String, String)> {
    let mut params = request.params.clone();
    if let Some(upload) = &request.upload {
        params.push(("filename".to_owned(), upload.filename.clone()));
    }
    params
}

#[test]
fn the_fake_refuses_what_makes_no_sense() {
    let configure = |name: &str, value: &str| {
        let (call, _) = find("POST", "/nodes/pve1/qemu/101/config").unwrap();
        let refusal = check(call, &[(name.to_owned(), value.to_owned())]).unwrap_err();
        assert_eq!(refusal.status, 400);
        refusal.errors[name].clone()
    };
    for (name, value, what) in [
        ("onboot", "true", "type check ('boolean') failed - got 'true'"),
        ("cores", "two", "type check ('integer') failed - got 'two'"),
        ("cores", "0", "value must have a minimum value of 1"),
        ("skiplock", "1", "property is not defined in schema"),
        ("sshkeys", "ssh-ed25519 AAAA", "invalid urlencoded string"),
        (
            "description",
            &"x".repeat(8193),
            "value may only be 8192 characters long",
        ),
        ("net0", "virtio,bridge=vmbr0,tag=5000", "invalid format"),
        ("net0", "virtio,bridge=vm br0", "invalid format"),
        ("ipconfig0", "ip=10.0.0.5", "invalid format"),
        ("ipconfig0", "ip=10.0.0.5/24,gw=fd00::1", "invalid format"),
        ("tags", "Staging", "invalid format"),
        ("name", "a_b", "invalid format"),
    ] {
        let said = configure(name, value);
        assert!(said.contains(what), "{name}={value}: {said}");
    }
    let (call, _) = find("POST", "/nodes/pve1/qemu/9000/clone").unwrap();
    let missing = check(call, &[]).unwrap_err().errors;
    assert_eq!(missing["newid"], "property is missing and it is not optional");
}
