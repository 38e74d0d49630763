//! LaTeX: a booktabs table per board, as a paper wants it. Needs `\usepackage{booktabs}`.

use crate::column::{self, Cell, Column};
use crate::report::Report;
use crate::table::Board;
use std::fmt::Write as _;

/// The whole file.
pub fn latex(report: &Report) -> String {
    let mut text = format!("% {}\n% \\usepackage{{booktabs}}\n", one_line(&report.title));
    for board in &report.table.boards {
        table(&mut text, board).expect("writing to a String cannot fail");
    }
    text
}

fn table(text: &mut String, board: &Board) -> std::fmt::Result {
    let columns: Vec<&Column> = column::filled(&board.rows, true).collect();
    let align: String = columns.iter().map(|column| if column.is_text() { 'l' } else { 'r' }).collect();
    let heads: Vec<String> = columns.iter().map(|column| escape(column.title)).collect();
    writeln!(text, "\n\\begin{{table}}\n  \\centering\n  \\caption{{{}.}}", escape(&board.key.heading()))?;
    writeln!(text, "  \\label{{tab:{}}}", board.key.slug())?;
    writeln!(text, "  \\begin{{tabular}}{{{align}}}\n    \\toprule")?;
    writeln!(text, "    {} \\\\\n    \\midrule", heads.join(" & "))?;
    for rows in board.rows.chunk_by(|a, b| a.victim == b.victim) {
        for row in rows {
            let cells: Vec<String> = columns.iter().map(|column| cell(&column.of(row))).collect();
            writeln!(text, "    {} \\\\", cells.join(" & "))?;
        }
        let is_last = rows.last() == board.rows.last();
        text.push_str(if is_last { "" } else { "    \\addlinespace\n" });
    }
    writeln!(text, "    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}")
}

fn cell(cell: &Cell) -> String {
    let value = match cell {
        Cell::Missing => return "--".into(),
        Cell::Share(_) | Cell::Real(..) => math(&cell.short()),
        _ => escape(&cell.short()),
    };
    match cell.interval() {
        Some(interval) => format!("{value} {{\\scriptsize {}}}", math(&interval)),
        None => value,
    }
}

/// Numbers stand in math mode, where a minus is as wide as a plus.
fn math(numbers: &str) -> String {
    format!("${}$", numbers.replace('−', "-").replace('∞', "\\infty"))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Takes from a foreign string what TeX would act on.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '∞' => escaped.push_str("$\\infty$"),
            '≤' => escaped.push_str("$\\le$"),
            '≥' => escaped.push_str("$\\ge$"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_strings_do_not_act() {
        assert_eq!(escape(r"a_b \input{x} 5%"), r"a\_b \textbackslash{}input\{x\} 5\%");
        assert_eq!(one_line("a\n\\input{x}"), r"a \input{x}");
    }

    #[test]
    fn numbers_are_mathematics() {
        assert_eq!(math("−1.2"), "$-1.2$");
        assert_eq!(cell(&Cell::Missing), "--");
    }
}
