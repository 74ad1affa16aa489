//! What writing the files would change.

use super::render::File;
use similar::TextDiff;

/// What became of a file, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// It is not there.
    New,
    /// It is there, and the same.
    Same,
    /// It is there and says something else: the way from what is there to what would be written, as a
    /// unified diff.
    Differs(String),
}

/// Holds each file against what is there: `present` gives a path's text, `None` where nothing is. Bytes
/// that are no text count as text that differs.
pub fn changes(files: &[File], present: impl Fn(&str) -> Option<Vec<u8>>) -> Vec<(&File, FileChange)> {
    files
        .iter()
        .map(|file| {
            let change = match present(&file.path) {
                None => FileChange::New,
                Some(bytes) if bytes == file.text.as_bytes() => FileChange::Same,
                Some(bytes) => {
                    FileChange::Differs(unified(&file.path, &String::from_utf8_lossy(&bytes), &file.text))
                }
            };
            (file, change)
        })
        .collect()
}

/// The way from one text to the other, with three lines around each change.
pub fn unified(path: &str, from: &str, to: &str) -> String {
    TextDiff::from_lines(from, to)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_held_against_what_is_there() {
        let file = |path: &str| File {
            path: path.to_owned(),
            text: "a\nb\n".to_owned(),
            executable: false,
        };
        let files = [file("new"), file("same"), file("other"), file("bytes")];
        let found = changes(&files, |path| match path {
            "same" => Some(b"a\nb\n".to_vec()),
            "other" => Some(b"a\nc".to_vec()),
            "bytes" => Some(vec![0xff]),
            _ => None,
        });
        let found: Vec<_> = found.into_iter().map(|(_, change)| change).collect();
        assert_eq!(found[..2], [FileChange::New, FileChange::Same]);
        let FileChange::Differs(diff) = &found[2] else {
            panic!("{found:?}");
        };
        insta::assert_snapshot!(diff, @r"
        --- a/other
        +++ b/other
        @@ -1,2 +1,2 @@
         a
        -c
        \ No newline at end of file
        +b
        ");
        assert!(matches!(found[3], FileChange::Differs(_)));
    }
}
