//! The house rules, read from the files themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_owned()
}

/// All files below `folder` with this ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name != "target" && name != "wip" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The lines of code before the unit tests of a file, without comments and doc examples.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.contains("#[cfg(test)]"))
        .map(|(number, line)| (number + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The table of ARCHITECTURE.md: module, and what it knows.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = read(&root().join("ARCHITECTURE.md"));
    let names = |cell: &str| {
        cell.split(',')
            .map(|name| name.trim().trim_matches('`').to_owned())
            .filter(|name| !name.is_empty())
            .collect::<BTreeSet<_>>()
    };
    text.lines()
        .skip_while(|line| !line.starts_with("| module of"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            (names(cells[0]).pop_first().expect("a module"), names(cells[1]))
        })
        .collect()
}

/// The modules that a line of code names by `crate::`.
fn named(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        if at > 0 && line[..at].ends_with(['$', '_']) {
            continue;
        }
        let rest = &line[at + "crate::".len()..];
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        // Macros lie at the root under such names.
        if !name.is_empty() && !name.starts_with("__") {
            found.push(name);
        }
    }
    found
}

/// Fails when a module uses one that its row in ARCHITECTURE.md does not name, when a row names one that is not
/// used, when a module has no row, or when the arrows make a circle.
#[test]
fn the_arrows_are_those_of_the_architecture_page() {
    let source = root().join("idempotent/src");
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files(&source, ".rs") {
        let inside = path.strip_prefix(&source).expect("below the source");
        // The program is a crate of its own: its modules stand as `program/..` in the table.
        let (prefix, inside) = match inside.strip_prefix("bin/idempotent") {
            Ok(inside) => ("program/", inside),
            Err(_) => ("", inside),
        };
        let module = inside.iter().next().expect("a name").to_string_lossy().replace(".rs", "");
        if ["lib", "main"].contains(&&*module) {
            continue;
        }
        let module = format!("{prefix}{module}");
        let knows = used.entry(module.clone()).or_default();
        for (_, line) in code(&read(&path)) {
            assert!(!line.contains("crate::{"), "{}: name modules one by one: {line}", shown(&path));
            let names = named(line).into_iter().map(|name| format!("{prefix}{name}"));
            knows.extend(names.filter(|name| *name != module));
        }
    }
    let table = table();
    for (module, knows) in &used {
        let row = table.get(module).unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for `{module}`"));
        let wrong: Vec<_> = knows.difference(row).collect();
        assert!(wrong.is_empty(), "`{module}` may not know {wrong:?}: ARCHITECTURE.md does not say so");
        let stale: Vec<_> = row.difference(knows).collect();
        assert!(stale.is_empty(), "ARCHITECTURE.md says that `{module}` knows {stale:?}, but it does not");
    }
    for module in table.keys() {
        assert!(used.contains_key(module), "ARCHITECTURE.md has a row for `{module}`, which is gone");
    }
    let mut left = table.clone();
    while !left.is_empty() {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, knows)| knows.iter().all(|name| !left.contains_key(name)))
            .map(|(module, _)| module.clone())
            .collect();
        assert!(!free.is_empty(), "the arrows between {:?} make a circle", left.keys());
        left.retain(|module, _| !free.contains(module));
    }
}

/// Fails when a module other than `telemetry` speaks to subscribers or recorders, whose panics only that module ends.
#[test]
fn only_telemetry_speaks_to_subscribers() {
    let mut wrong = Vec::new();
    for path in files(&root().join("idempotent/src"), ".rs") {
        if shown(&path).contains("/telemetry/") {
            continue;
        }
        for (number, line) in code(&read(&path)) {
            if line.contains("tracing::") || line.contains("metrics::counter") {
                wrong.push(format!("{}:{number}: {line}", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Fails when a number that is told is not on the page of them.
#[test]
fn every_number_is_on_its_page() {
    let page = read(&root().join("idempotent/docs/telemetry.md"));
    let source = read(&root().join("idempotent/src/telemetry/metrics.rs"));
    let names: BTreeSet<&str> = source.split('"').filter(|text| text.starts_with("idempotent_")).collect();
    assert!(names.len() > 5, "{names:?}");
    let absent: Vec<_> = names.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(absent.is_empty(), "idempotent/docs/telemetry.md does not name {absent:?}");
}

/// Fails when a file of the program prints beside its `output`, where everything is cleaned.
#[test]
fn one_module_prints() {
    let source = root().join("idempotent/src/bin/idempotent");
    let mut found = Vec::new();
    for path in files(&source, ".rs") {
        if path.starts_with(source.join("output")) {
            continue;
        }
        for (number, line) in code(&read(&path)) {
            if ["print!", "println!", "io::stdout", "io::stderr", "dbg!"]
                .iter()
                .any(|word| line.contains(word))
            {
                found.push(format!("{}:{number}: {}", shown(&path), line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "hand it to `output`: {found:#?}");
}

/// Fails when a file holds more than about one idea: 400 lines of code, 600 with its tests.
#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for path in files(&root(), ".rs") {
        let text = read(&path);
        let all = text.lines().count();
        let before_tests = text.lines().take_while(|line| !line.contains("#[cfg(test)]")).count();
        let is_test = shown(&path).starts_with("tests/");
        if all > 600 || (!is_test && before_tests > 450) {
            long.push(format!("{} ({before_tests} lines, {all} with tests)", shown(&path)));
        }
    }
    assert!(long.is_empty(), "too long, each perhaps two ideas: {long:#?}");
}

/// Fails on an `unwrap` or `expect` in the crates' sources that has no comment on why it cannot fail.
#[test]
fn nothing_is_unwrapped_without_a_reason() {
    let mut bare = Vec::new();
    for krate in ["idempotent/src", "idempotent-macros/src"] {
        for path in files(&root().join(krate), ".rs") {
            let text = read(&path);
            let lines: Vec<&str> = text.lines().collect();
            for (number, line) in code(&text) {
                let unwraps = line.contains(".unwrap()") || line.contains(".expect(");
                let reason =
                    line.contains("//") || (number >= 2 && lines[number - 2].trim_start().starts_with("//"));
                if unwraps && !reason {
                    bare.push(format!("{}:{number}: {}", shown(&path), line.trim()));
                }
            }
        }
    }
    assert!(bare.is_empty(), "say why it cannot fail, or return an error: {bare:#?}");
}

/// Fails when a test tests nothing now, or a piece of work is only promised.
#[test]
fn nothing_is_left_undone() {
    // Put together here, so that this file does not contain them.
    let marks = [format!("{}!(", "todo"), format!("{}!(", "unimplemented"), format!("FIX{}", "ME")];
    let mut found = Vec::new();
    for path in files(&root(), ".rs") {
        for (number, line) in read(&path).lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark.as_str())) {
                found.push(format!("{}:{}", shown(&path), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "unfinished: {found:#?}");
}

/// The names in a table of the attribute's texts: `const FORMS`, `const NOT_BUILT`.
fn attribute_arguments(table: &str) -> Vec<String> {
    let text = read(&root().join("idempotent-macros/src/texts/mod.rs"));
    let head = format!("const {table}:");
    let table = text.split_once(&head).map_or("", |(_, rest)| rest.split("\n];").next().unwrap_or_default());
    // A row begins `("name", ..`, on one line or on several.
    let rows = table.split("\n    (").skip(1);
    let names: Vec<String> = rows
        .filter_map(|row| Some(row.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned()))
        .collect();
    assert!(!names.is_empty(), "texts/mod.rs has no table {head}");
    names
}

/// Fails when an argument of the attribute, or `effect!`, has no page in the reference or no row in its table, when a
/// page lacks one of its parts or has them in another order, when there is a page about something else, or when an
/// argument that is refused by name is not listed.
#[test]
fn every_argument_has_its_page() {
    let table = read(&root().join("idempotent/docs/arguments.md"));
    let mut names = attribute_arguments("FORMS");
    names.push("effect!".to_owned());
    let mut pages = files(&root().join("idempotent/docs/arguments"), ".md");
    for name in &names {
        assert!(
            table.contains(&format!("| [`{name}`][docs:arguments/")),
            "arguments.md has no row for `{name}`"
        );
        let file = format!("idempotent/docs/arguments/{}.md", name.trim_end_matches('!'));
        pages.retain(|page| shown(page) != file);
        let mut rest = read(&root().join(&file));
        let title = format!("# `{name}`\n");
        let parts = [
            "\n| form | ",
            "\n| default | ",
            "\n| cost | ",
            "\n## Example\n\n```\n",
            "\n## When it is wrong\n",
        ];
        for part in [title.as_str()].into_iter().chain(parts) {
            let Some((_, after)) = rest.split_once(part) else {
                panic!("{file} lacks {part:?} at its place")
            };
            rest = after.to_owned();
        }
        assert!(rest.contains("\n```text\nerror"), "{file} shows no compile error");
    }
    assert!(pages.is_empty(), "no argument has these pages: {pages:?}");
    let refused = table.split_once("\n## Not built yet\n").expect("arguments.md says what is not built").1;
    for name in attribute_arguments("NOT_BUILT") {
        assert!(refused.contains(&format!("| `{name}` |")), "arguments.md does not list `{name}` as refused");
    }
}

/// The pages of prose, without the links that stand before them.
fn pages() -> Vec<PathBuf> {
    let mut pages = files(&root().join("idempotent/docs"), ".md");
    pages.retain(|page| !page.ends_with("links.md") && !page.ends_with("chaos.md"));
    pages
}

/// Fails when a page is not compiled into the documentation, so that its code does not run, or not named in the table
/// of the pages.
#[test]
fn every_page_is_compiled() {
    let modules = read(&root().join("idempotent/src/_docs.rs"));
    for page in pages() {
        let file = shown(&page).replace("idempotent/docs/", "");
        assert!(modules.contains(&format!("include_str!(\"../docs/{file}\")")), "_docs.rs leaves out {file}");
        let name = file.trim_end_matches(".md");
        assert!(name.contains('/') || modules.contains(&format!("//! | [`{name}`] | ")), "no row for {file}");
    }
}

/// Fails when a link from page to page leads nowhere: in the folder, where it is a file, or in the documentation, where
/// it is what `links.md` says, which stands before each page.
#[test]
fn links_lead_somewhere() {
    let links = read(&root().join("idempotent/docs/links.md"));
    let mut used = BTreeSet::new();
    for page in pages().into_iter().chain([root().join("README.md")]) {
        let text = read(&page);
        assert!(!text.contains("](crate::_docs"), "{}: link by `[..][docs:PAGE]`", shown(&page));
        for label in text.split("][docs:").skip(1).filter_map(|rest| rest.split(']').next()) {
            used.insert(label.to_owned());
            let definition = format!("\n[docs:{label}]: ");
            let Some((_, target)) = text.split_once(&definition) else {
                panic!("{}: no{definition}", shown(&page))
            };
            let target = target.lines().next().unwrap_or_default();
            let (file, part) =
                target.split_once('#').map_or((target, None), |(file, part)| (file, Some(part)));
            let there = page.parent().expect("a folder").join(file);
            assert!(there.is_file(), "{}: there is no {target}", shown(&page));
            let heads = read(&there)
                .lines()
                .filter_map(|line| line.strip_prefix("## "))
                .map(anchor)
                .collect::<Vec<_>>();
            assert!(
                part.is_none_or(|part| heads.iter().any(|head| head == part)),
                "{target} is not in {heads:?}"
            );
        }
    }
    let defined: BTreeSet<String> = links
        .lines()
        .filter_map(|line| Some(line.strip_prefix("[docs:")?.split_once("]: crate::_docs::")?.0.to_owned()))
        .collect();
    used.remove("chaos"); // the picture, of which the next test tells
    assert_eq!(defined, used, "links.md (left) and the links of the pages differ");
}

/// Fails when the front page of the documentation, which can show no file, holds another picture than the README.
/// `IDEMPOTENT_TEST_WRITE=1` writes it anew.
#[test]
fn the_front_page_has_its_picture() {
    let picture = read(&root().join("examples/clinic/chaos.svg"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:;=,'".contains(&byte);
    let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let data: String = picture.bytes().map(encode).collect();
    let file = root().join("idempotent/docs/chaos.md");
    let link = format!("[docs:chaos]: data:image/svg+xml,{data}\n");
    if std::env::var_os("IDEMPOTENT_TEST_WRITE").is_some() {
        fs::write(&file, &link).expect("a writable folder");
    }
    assert!(read(&file) == link, "{} is not examples/clinic/chaos.svg", shown(&file));
}

/// Fails when a command of the README names a package, a test or a script that is not there.
#[test]
fn commands_of_the_readme_exist() {
    let readme = read(&root().join("README.md"));
    let manifests: String = files(&root(), "Cargo.toml").iter().map(|path| read(path)).collect();
    let mut found = 0;
    for command in readme.split('`').filter(|text| text.starts_with("cargo ") || text.starts_with("tests/")) {
        let words: Vec<&str> = command.split_whitespace().collect();
        for (word, next) in words.iter().zip(words.iter().skip(1)) {
            let there = match *word {
                "-p" | "--test" => manifests.contains(&format!("name = \"{next}\"")),
                "--path" => root().join(next).join("Cargo.toml").is_file(),
                "--features" => manifests.contains(&format!("\n{next} = [")),
                _ => true,
            };
            assert!(there, "README.md: `{command}`: there is no {next}");
        }
        let script = words.first().filter(|word| word.starts_with("tests/"));
        assert!(
            script.is_none_or(|script| root().join(script).is_file()),
            "README.md: there is no {command}"
        );
        if let Some(test) = words.iter().position(|word| *word == "--").map(|at| words[at - 1]) {
            let is_test = |path: &PathBuf| read(path).contains(&format!("fn {test}()"));
            let of_a_test = words.contains(&"test");
            assert!(!of_a_test || files(&root().join("tests"), ".rs").iter().any(is_test), "no test {test}");
        }
        found += 1;
    }
    assert!(found > 8, "the commands are written otherwise now: {found}");
}

/// The name under which a heading is found.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(['`', ',', '?', '!'], "").replace(' ', "-")
}

/// Fails when the diagram on the page about records is not the one above the states in the code.
#[test]
fn the_diagram_of_the_states_is_drawn_once() {
    let drawn = |text: &str| {
        let from = text.split_once("```text\n").expect("a diagram").1;
        from.split_once("```").expect("its end").0.to_owned()
    };
    let code = read(&root().join("idempotent/src/protocol/state.rs"));
    let code: Vec<&str> = code.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let code: Vec<&str> = code.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    assert_eq!(drawn(&code.join("\n")), drawn(&read(&root().join("idempotent/docs/records.md"))));
}

/// Fails when the code of an error has no section on the page about errors.
#[test]
fn every_error_has_its_section() {
    let page = read(&root().join("idempotent/docs/errors.md"));
    let code = read(&root().join("idempotent/src/error.rs"));
    let codes: Vec<&str> = code
        .lines()
        .filter_map(|line| {
            line.trim().strip_prefix("Error::")?.split_once("(_) => \"")?.1.strip_suffix("\",")
        })
        .filter(|code| *code != "inspected")
        .collect();
    assert!(codes.contains(&"in_doubt"), "the codes stand elsewhere now: {codes:?}");
    for code in codes {
        assert!(page.contains(&format!("\n## `{code}`\n")), "errors.md has no section `{code}`");
    }
}

/// Fails when a compile error quoted in the reference is not one that a misuse test expects.
#[test]
fn every_quoted_compile_error_is_real() {
    let messages: Vec<String> =
        files(&root().join("tests/ui"), ".stderr").iter().map(|path| read(path)).collect();
    let text: String = pages().iter().map(|page| read(page)).collect();
    let quotes: Vec<&str> = text
        .split("\n```text\n")
        .skip(1)
        .map(|quote| quote.split_once("\n```\n").expect("a quote ends").0)
        .filter(|quote| quote.starts_with("error"))
        .collect();
    assert!(quotes.len() > attribute_arguments("FORMS").len(), "an argument without its compile error");
    for quote in quotes {
        assert!(messages.iter().any(|message| message.contains(quote)), "no test expects this:\n{quote}");
    }
}

/// Fails when a compile-fail case has lost its program or its message.
#[test]
fn every_message_has_its_program() {
    let folder = root().join("tests/ui");
    let messages = files(&folder, ".stderr");
    assert!(!messages.is_empty(), "no compile-fail case is left");
    for message in &messages {
        assert!(message.with_extension("rs").exists(), "{} has no program", shown(message));
    }
    for kind in fs::read_dir(&folder).expect("tests/ui") {
        let kind = kind.expect("a readable folder").path();
        if kind.is_dir() {
            assert!(!files(&kind, ".rs").is_empty(), "{} is empty", shown(&kind));
        }
    }
}

/// Fails when a removal of `tests/sabotage` no longer fits the code that it is to break, or does not say which test
/// must turn red.
#[test]
fn every_removal_still_fits() {
    let mut stale = Vec::new();
    let patches = files(&root().join("tests/sabotage"), ".patch");
    assert!(!patches.is_empty(), "no removal is left");
    for patch in patches {
        let text = read(&patch);
        assert!(text.lines().any(|line| line.starts_with("red: --test ")), "{}: no `red:`", shown(&patch));
        for file in text.split("\n+++ b/").skip(1) {
            let (name, hunks) = file.split_once('\n').expect("a patch of something");
            let code = read(&root().join(name));
            for hunk in hunks.split("\n@@ ").map(|hunk| hunk.trim_start_matches("@@ ")) {
                let before: Vec<&str> = hunk
                    .lines()
                    .skip(1)
                    .take_while(|line| !line.starts_with("diff "))
                    .filter_map(|line| match line {
                        "" => Some(""),
                        line => line.strip_prefix([' ', '-']),
                    })
                    .collect();
                if !code.contains(before.join("\n").trim_end()) {
                    stale.push(format!("{} in {name}", shown(&patch)));
                }
            }
        }
    }
    assert!(stale.is_empty(), "made for other code: {stale:#?}");
}
