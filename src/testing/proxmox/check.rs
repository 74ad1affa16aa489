//! Parameters, held against the table more strictly than Proxmox does.

use super::refusal::FakeRefusal;
use super::table::{ApiCall, Param};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Checks every parameter of a request.
pub fn check(call: &ApiCall, params: &[(String, String)]) -> Result<(), FakeRefusal> {
    let mut errors = BTreeMap::new();
    for (name, value) in params {
        let Some(param) = call.params.iter().find(|param| param.name == name) else {
            let what =
                "property is not defined in schema and the schema does not allow additional properties";
            errors.insert(name.clone(), what.to_owned());
            continue;
        };
        let times = params.iter().filter(|(other, _)| other == name).count();
        if times > 1 && param.kind != "list" {
            errors.insert(
                name.clone(),
                "type check ('string') failed - got ARRAY".to_owned(),
            );
        } else if let Err(what) = fits(param.kind, value) {
            errors.insert(name.clone(), what);
        }
    }
    for param in call.params.iter().filter(|param| is_missing(param, params)) {
        let what = "property is missing and it is not optional";
        errors.insert(param.name.to_owned(), what.to_owned());
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(FakeRefusal {
        status: 400,
        text: "Parameter verification failed.".to_owned(),
        errors,
    })
}

fn is_missing(param: &Param, params: &[(String, String)]) -> bool {
    param.required && !params.iter().any(|(name, _)| name == param.name)
}

/// Whether a value is of a type of the table.
fn fits(kind: &str, value: &str) -> Result<(), String> {
    let (kind, limits) = kind.split_once(':').unwrap_or((kind, ""));
    match kind {
        "bool" if matches!(value, "0" | "1") => Ok(()),
        "bool" => Err(format!("type check ('boolean') failed - got '{value}'")),
        "int" => is_int(value, limits),
        "id" => {
            let number: i64 = value
                .parse()
                .map_err(|_| format!("type check ('integer') failed - got '{value}'"))?;
            if (100..=999_999_999).contains(&number) {
                Ok(())
            } else {
                Err("invalid format - value does not look like a valid VM ID\n".to_owned())
            }
        }
        "enum" if limits.split(',').any(|allowed| allowed == value) => Ok(()),
        "enum" => Err(format!(
            "value '{value}' does not have a value in the enumeration '{limits}'"
        )),
        "text" | "file" | "hex" => is_text(kind, value, limits),
        "urlencoded" if value.bytes().all(|b| is_of(b, "-%_.!~*'()")) && !value.is_empty() => Ok(()),
        "urlencoded" => Err(format!("invalid format - invalid urlencoded string: {value}\n")),
        "size" | "image" | "repository" | "env" | "printable" if !matches_pattern(kind, value) => {
            Err("value does not match the regex pattern".to_owned())
        }
        kind if is_format(kind, value) => Ok(()),
        kind => Err(format!(
            "invalid format - value does not look like a valid {kind}\n"
        )),
    }
}

fn is_int(value: &str, limits: &str) -> Result<(), String> {
    let number: i64 = value
        .parse()
        .map_err(|_| format!("type check ('integer') failed - got '{value}'"))?;
    let (least, most) = limits.split_once(':').unwrap_or_default();
    let (least, most) = (
        least.parse().unwrap_or(i64::MIN),
        most.parse().unwrap_or(i64::MAX),
    );
    if number < least {
        return Err(format!("value must have a minimum value of {least}"));
    }
    if number > most {
        return Err(format!("value must have a maximum value of {most}"));
    }
    Ok(())
}

fn is_text(kind: &str, value: &str, limits: &str) -> Result<(), String> {
    let most: usize = limits.parse().unwrap_or(usize::MAX);
    if value.chars().count() > most {
        return Err(format!("value may only be {most} characters long"));
    }
    let fits = match kind {
        "file" => !value.is_empty() && !value.contains('/') && value.bytes().all(|b| is_of(b, "_.-")),
        "hex" => value.len() == most && value.bytes().all(|byte| byte.is_ascii_hexdigit()),
        // NUL ends a text in Perl's files.
        _ => !value.contains('\0'),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("invalid format - no {kind}\n"))
    }
}

fn is_of(byte: u8, extra: &str) -> bool {
    byte.is_ascii_alphanumeric() || extra.as_bytes().contains(&byte)
}

fn is_word(value: &str, extra: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| is_of(byte, extra))
}

fn starts_with_letter(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn matches_pattern(kind: &str, value: &str) -> bool {
    let control = |c: char| matches!(c, '\0'..='\u{8}' | '\u{10}'..='\u{1f}' | '\u{7f}');
    match kind {
        "size" => {
            let digits = value
                .trim_start_matches('+')
                .trim_end_matches(['K', 'M', 'G', 'T']);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        "image" => value
            .rsplit_once(':')
            .is_some_and(|(name, tag)| is_repository(name) && is_word(tag, "_.-") && tag.len() <= 128),
        "repository" => is_repository(value),
        "env" => value.split('\0').all(|pair| {
            pair.split_once('=')
                .is_some_and(|(name, value)| is_word(name, "_") && !value.contains(control))
        }),
        _ => !value.is_empty() && !value.contains(control),
    }
}

/// A registry's host and a path of lower-case names.
fn is_repository(value: &str) -> bool {
    let path = value.split_once('/').map_or(value, |(_, path)| path);
    !path.is_empty()
        && !value.contains('@')
        && is_word(value, "._-/:")
        && !path.contains(|c: char| c.is_ascii_uppercase() || c == ':')
}

fn is_format(kind: &str, value: &str) -> bool {
    match kind {
        "list" => !value.contains('\0'),
        "dns" => {
            value.len() <= 255
                && value
                    .split('.')
                    .all(|label| is_word(label, "-") && !label.starts_with('-') && !label.ends_with('-'))
        }
        "node" => is_word(value, "-") && !value.starts_with('-') && !value.ends_with('-'),
        "storage" => starts_with_letter(value) && is_word(value, "-_."),
        "pool" => value.split('/').all(|part| is_word(part, "-_.")),
        "word" => is_word(value, "-_.") && value.len() <= 64,
        "snapshot" => {
            starts_with_letter(value)
                && (2..=40).contains(&value.len())
                && is_word(value, "_-")
                && !matches!(value, "current" | "pending")
        }
        "tags" => value.is_empty() || value.split(';').all(is_tag),
        "names" => value
            .split(',')
            .all(|name| starts_with_letter(name) && is_word(name, "-_")),
        "volume" => value
            .split_once(':')
            .is_some_and(|(storage, name)| is_format("storage", storage) && is_word(name, "-_./")),
        "root" => value.split_once(':').is_some_and(|(storage, size)| {
            is_format("storage", storage) && size.parse::<u32>().is_ok_and(|size| size > 0)
        }),
        "disk" => ["scsi", "virtio", "sata", "ide", "rootfs", "mp"]
            .iter()
            .any(|bus| {
                let digits = value.strip_prefix(bus);
                digits.is_some_and(|digits| {
                    digits.bytes().all(|byte| byte.is_ascii_digit())
                        && digits.is_empty() == (*bus == "rootfs")
                })
            }),
        "content" => matches!(
            value,
            "images" | "rootdir" | "vztmpl" | "backup" | "iso" | "import"
        ),
        "addresses" => value.split(' ').all(|address| address.parse::<IpAddr>().is_ok()),
        "agent" => matches!(value, "enabled=0" | "enabled=1"),
        "nesting" => value == "nesting=1",
        // Less than that only root may.
        "yes" => value == "1",
        "ipconfig" => value.split(',').all(is_addressing),
        "vmcard" => is_vm_card(value),
        "ctcard" => is_container_card(value),
        "size" | "image" | "repository" | "env" | "printable" => true,
        _ => false,
    }
}

fn is_tag(tag: &str) -> bool {
    tag.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && is_word(tag, "_+.-")
        && !tag.contains(|c: char| c.is_ascii_uppercase())
}

fn is_addressing(part: &str) -> bool {
    let address = |value: &str, v6: bool| value.parse().is_ok_and(|ip: IpAddr| ip.is_ipv6() == v6);
    let network = |value: &str, v6: bool| {
        value.split_once('/').is_some_and(|(ip, prefix)| {
            address(ip, v6)
                && prefix
                    .parse::<u8>()
                    .is_ok_and(|bits| bits <= if v6 { 128 } else { 32 })
        })
    };
    match part.split_once('=') {
        Some(("ip", value)) => network(value, false),
        Some(("ip6", value)) => network(value, true),
        Some(("gw", value)) => address(value, false),
        Some(("gw6", value)) => address(value, true),
        _ => false,
    }
}

fn is_plug(part: &str) -> bool {
    match part.split_once('=') {
        Some(("bridge", bridge)) => is_word(bridge, "-_."),
        Some(("tag", vlan)) => vlan.parse::<u16>().is_ok_and(|vlan| (1..4095).contains(&vlan)),
        Some(("firewall", value)) => matches!(value, "0" | "1"),
        _ => false,
    }
}

fn is_mac(value: &str) -> bool {
    let parts: Vec<&str> = value.split(':').collect();
    parts.len() == 6
        && parts
            .iter()
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_vm_card(value: &str) -> bool {
    let mut parts = value.split(',');
    let model = parts.next().unwrap_or_default();
    let (model, mac) = model
        .split_once('=')
        .map_or((model, None), |(model, mac)| (model, Some(mac)));
    matches!(model, "virtio" | "e1000" | "e1000e" | "vmxnet3" | "rtl8139")
        && mac.is_none_or(is_mac)
        && parts.all(is_plug)
        && value.contains("bridge=")
}

fn is_container_card(value: &str) -> bool {
    let has_bridge = value.contains("bridge=");
    has_bridge
        && value.split(',').all(|part| match part.split_once('=') {
            Some(("name", name)) => is_word(name, "-_."),
            Some(("hwaddr", mac)) => is_mac(mac),
            Some(("ip", "dhcp")) => true,
            Some(("type", kind)) => kind == "veth",
            Some(("host-managed", value)) => matches!(value, "0" | "1"),
            _ => is_plug(part) || is_addressing(part),
        })
}
