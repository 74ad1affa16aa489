//! A project's first files, and the templates that they are made from.

use serde::Serialize;

/// The files of a project that was begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.init/1", rename_all = "camelCase")]
pub struct InitDocument<'a> {
    /// Whether anything was written.
    pub written: bool,
    /// Each file.
    pub files: Vec<FileRow<'a>>,
    /// What to do next, in words.
    pub next: Vec<String>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileRow<'a> {
    /// Where it is, below the project's directory.
    pub path: &'a str,
    /// What became of it: `created`, `unchanged`, `overwritten`, `kept`.
    pub fate: &'a str,
    /// How what was there differs, line by line, where it does.
    pub difference: Option<&'a str>,
    /// What would be in it; `None` where it was written.
    pub text: Option<&'a str>,
}

/// One file, made from a template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.render/1", rename_all = "camelCase")]
pub struct RenderDocument<'a> {
    /// The template's name.
    pub template: &'a str,
    /// The file.
    pub text: &'a str,
}

/// Every template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.templates/1", rename_all = "camelCase")]
pub struct TemplatesDocument<'a> {
    /// Those that greenroom has, then those that only the project has.
    pub templates: Vec<TemplateRow<'a>>,
}

/// One template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// The path of the file that it becomes, below the project; `None` for a part of others.
    pub path: Option<&'a str>,
    /// What the file is, in one line.
    pub about: &'a str,
    /// Whether the project has its own.
    pub own: bool,
}
