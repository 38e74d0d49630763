//! How an item's name stands in file names.

/// `name` with letters, digits, `.`, `_` and `-` kept, all else as `-`, and no dot in front.
pub fn file_name_of(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = name.chars().map(kept).collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}
