//! Plain-text tables with aligned columns.

/// Rows under a header, columns two spaces apart; cells that are numbers are set to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|c| rows.iter().map(|row| width(&row[c])).chain([width(header[c])]).max().unwrap_or(0))
        .collect();
    let header: Vec<String> = header.iter().map(|name| name.to_string()).collect();
    let rule: Vec<String> = widths.iter().map(|&w| "-".repeat(w)).collect();
    let lines = [&header, &rule].into_iter().chain(rows).map(|row| line(row, &widths));
    lines.collect::<Vec<_>>().join("\n")
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row.iter().zip(widths).map(|(cell, &w)| padded(cell, w)).collect();
    cells.join("  ").trim_end().to_owned()
}

fn padded(cell: &str, to: usize) -> String {
    let space = " ".repeat(to.saturating_sub(width(cell)));
    if cell.parse::<f64>().is_ok() { space + cell } else { cell.to_owned() + &space }
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["pgd".into(), "0.93".into()], vec!["null".into(), "0".into()]];
        assert_eq!(table(&["attack", "asr"], &rows), "attack  asr\n------  ----\npgd     0.93\nnull       0");
    }
}
