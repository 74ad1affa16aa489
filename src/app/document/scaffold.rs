//! A project's first files, and the templates that they are made from.

use crate::app::init::Fate;
use crate::report::document::{FileRow, InitDocument, TemplateRow, TemplatesDocument};
use crate::scaffold::{Choices, File, Overrides, TEMPLATES, next_steps};

/// Shows what became of each file, with the difference where there was one. Where nothing was `written`, the
/// texts are shown, too.
pub fn init<'a>(
    choices: &Choices,
    files: impl IntoIterator<Item = (&'a File, Fate, Option<&'a str>)>,
    written: bool,
) -> InitDocument<'a> {
    let files = files.into_iter().map(|(file, fate, difference)| FileRow {
        path: &file.path,
        fate: fate.as_str(),
        difference,
        text: (!written).then_some(file.text.as_str()),
    });
    InitDocument {
        written,
        files: files.collect(),
        next: next_steps(choices),
    }
}

/// Shows every template: those that greenroom has, then those that only the project has.
pub fn templates(overrides: &Overrides) -> TemplatesDocument<'_> {
    let known = TEMPLATES.iter().map(|template| TemplateRow {
        name: template.name,
        path: template.path,
        about: template.about,
        own: overrides.contains_key(template.name),
    });
    let new = overrides.keys().map(String::as_str);
    let new = new.filter(|name| TEMPLATES.iter().all(|template| template.name != *name));
    let new = new.map(|name| TemplateRow {
        name,
        path: None,
        about: "a template of the project's own",
        own: true,
    });
    TemplatesDocument {
        templates: known.chain(new).collect(),
    }
}
