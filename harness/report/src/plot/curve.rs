//! A security curve: robust accuracy against the size of the perturbation, one line per attack, intervals as bands.
//!
//! Source: Biggio and Roli 2018, "Wild patterns", section 3.3 (security evaluation curves).

use super::at;
use super::scale::EpsScale;
use crate::estimate::Estimate;
use maud::{Markup, html};

/// One attack's line.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name at the line's end.
    pub label: String,
    /// Which of the style sheet's colours, dashes and markers.
    pub style: Style,
    /// Growing perturbation; an eps whose value is missing is left out, and the line breaks there.
    pub points: Vec<(f64, Option<Estimate>)>,
}

/// Everything that one drawing shows.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityCurve {
    /// What the drawing is of, for those who cannot see it.
    pub title: String,
    /// Name and unit of the horizontal axis, eg "L∞ (full scale = 1)".
    pub axis: String,
    /// Whether a larger eps is a larger perturbation.
    pub grows: bool,
    /// The common start of all lines: accuracy without any perturbation.
    pub clean: Option<Estimate>,
    /// The lines.
    pub series: Vec<Series>,
    /// What to say where no line has a point.
    pub if_empty: String,
}

/// How a line is told apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Grey and dotted: a control.
    Control,
    /// The n-th attack; the colours repeat after eight, the markers after four.
    Attack(usize),
}

impl Style {
    fn class(self) -> String {
        match self {
            Style::Control => "control".into(),
            Style::Attack(n) => format!("s{}", n % N_COLOURS),
        }
    }
}

/// Number of colours in the style sheet.
const N_COLOURS: usize = 8;

const LEFT: f64 = 40.0;
const RIGHT: f64 = 396.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 222.0;
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 268.0;
const LABEL_HEIGHT: f64 = 15.0;
const TICK_WIDTH: f64 = 46.0;

fn y(share: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * share.clamp(0.0, 1.0)
}

impl SecurityCurve {
    /// The drawing, or why there is none.
    pub fn draw(&self) -> Markup {
        let eps = self.grid();
        if eps.is_empty() {
            return html! { p.missing { (self.if_empty) } };
        }
        let scale = EpsScale::new(&eps, self.grows);
        let x = |eps: f64| LEFT + (RIGHT - LEFT) * scale.position(eps);
        html! {
            svg.curve viewBox={ "0 0 " (at(WIDTH)) " " (at(HEIGHT)) } role="img" aria-label=(self.title) {
                (self.frame(&eps, &x))
                @for series in self.series.iter().filter(|s| s.style != Style::Control) { (self.band(series, &x)) }
                @for series in &self.series { (self.line(series, &x)) }
                (self.end_labels(&x))
            }
        }
    }

    /// Every eps that any line has a value for, growing perturbation.
    fn grid(&self) -> Vec<f64> {
        let points = self.series.iter().flat_map(|s| &s.points).filter(|(_, value)| value.is_some());
        let mut eps: Vec<f64> = points.map(|(eps, _)| *eps).filter(|eps| eps.is_finite()).collect();
        eps.sort_by(|a, b| if self.grows { a.total_cmp(b) } else { b.total_cmp(a) });
        eps.dedup();
        eps
    }

    fn frame(&self, eps: &[f64], x: &dyn Fn(f64) -> f64) -> Markup {
        html! {
            g.axis {
                @for percent in [0, 25, 50, 75, 100] {
                    @let y = at(y(f64::from(percent) / 100.0));
                    line.grid x1=(at(LEFT)) x2=(at(RIGHT)) y1=(y) y2=(y) {}
                    text.y x=(at(LEFT - 7.0)) y=(y) { (percent) @if percent == 100 { "\u{202f}%" } }
                }
                text.x x=(at(LEFT)) y=(at(BOTTOM + 18.0)) { "clean" }
                @for (eps, labelled) in self.tick_labels(eps, x) {
                    line.tick x1=(at(x(eps))) x2=(at(x(eps))) y1=(at(BOTTOM)) y2=(at(BOTTOM + 4.0)) {}
                    @if labelled { text.x x=(at(x(eps))) y=(at(BOTTOM + 18.0)) { (eps) } }
                }
                text.x.name x=(at((LEFT + RIGHT) / 2.0)) y=(at(HEIGHT - 8.0)) { (self.axis) }
            }
        }
    }

    /// Every eps, and whether its number fits beside those already written. The largest always fits.
    fn tick_labels(&self, eps: &[f64], x: &dyn Fn(f64) -> f64) -> Vec<(f64, bool)> {
        let last = eps.last().map_or(RIGHT, |eps| x(*eps));
        let mut free_from = LEFT + TICK_WIDTH;
        let is_last = |i: usize| i + 1 == eps.len();
        let mut place = |(i, eps): (usize, &f64)| {
            let fits = is_last(i) || (x(*eps) >= free_from && x(*eps) + TICK_WIDTH <= last);
            free_from = if fits { x(*eps) + TICK_WIDTH } else { free_from };
            (*eps, fits)
        };
        eps.iter().enumerate().map(&mut place).collect()
    }

    /// The clean point and the series' own, cut where a value is missing.
    fn stretches(&self, series: &Series) -> Vec<Vec<(Option<f64>, Estimate)>> {
        let clean = std::iter::once((None, self.clean));
        let all = clean.chain(series.points.iter().map(|(eps, value)| (Some(*eps), *value)));
        let mut stretches = vec![Vec::new()];
        for (eps, value) in all {
            match (value, stretches.last_mut()) {
                (Some(value), Some(stretch)) => stretch.push((eps, value)),
                _ => stretches.push(Vec::new()),
            }
        }
        stretches.retain(|stretch| !stretch.is_empty());
        stretches
    }

    fn band(&self, series: &Series, x: &dyn Fn(f64) -> f64) -> Markup {
        html! {
            @for stretch in self.stretches(series) {
                @let known: Vec<_> = stretch.iter().filter(|(_, e)| e.low.is_some() && e.high.is_some()).collect();
                @if known.len() > 1 {
                    @let place = |eps: Option<f64>| eps.map_or(LEFT, x);
                    @let upper = known.iter().map(|(eps, e)| (place(*eps), y(e.high.unwrap_or(e.value))));
                    @let lower = known.iter().rev().map(|(eps, e)| (place(*eps), y(e.low.unwrap_or(e.value))));
                    polygon class={ "band " (series.style.class()) } points=(points(upper.chain(lower))) {}
                }
            }
        }
    }

    fn line(&self, series: &Series, x: &dyn Fn(f64) -> f64) -> Markup {
        html! {
            g class={ "series " (series.style.class()) } {
                @for stretch in self.stretches(series) {
                    @let place = |eps: Option<f64>| eps.map_or(LEFT, x);
                    polyline points=(points(stretch.iter().map(|(eps, e)| (place(*eps), y(e.value))))) {}
                    @for (eps, estimate) in &stretch {
                        path.marker d=(marker(series.style, place(*eps), y(estimate.value))) {
                            title { (series.label) ", " @match eps { Some(eps) => (eps), None => "clean" } ": " (estimate.percent()) }
                        }
                    }
                }
            }
        }
    }

    /// Names at the right of the lines' ends, moved apart where they would overlap.
    fn end_labels(&self, x: &dyn Fn(f64) -> f64) -> Markup {
        let last =
            |series: &Series| series.points.iter().rev().find_map(|(eps, value)| Some((*eps, (*value)?)));
        let ends = self.series.iter().filter_map(|s| last(s).map(|(eps, e)| ((x(eps), y(e.value)), s)));
        let mut ends: Vec<((f64, f64), &Series)> = ends.collect();
        ends.sort_by(|(a, _), (b, _)| a.1.total_cmp(&b.1));
        let places = spread(&ends.iter().map(|((_, y), _)| *y).collect::<Vec<_>>());
        html! {
            @for (((x, y), series), place) in ends.iter().zip(places) {
                g class={ "end " (series.style.class()) } {
                    polyline.leader points=(points([(x + 5.0, *y), (RIGHT + 14.0, place)].into_iter())) {}
                    text x=(at(RIGHT + 18.0)) y=(at(place)) { (shorten(&series.label)) title { (series.label) } }
                }
            }
        }
    }
}

/// Moves sorted positions apart by at least a line's height, and the whole stack back into the drawing.
fn spread(sorted: &[f64]) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::with_capacity(sorted.len());
    for wanted in sorted {
        let least = places.last().map_or(TOP, |above| above + LABEL_HEIGHT);
        places.push(wanted.max(least));
    }
    let mut most = BOTTOM;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - LABEL_HEIGHT;
    }
    places
}

fn shorten(label: &str) -> String {
    match label.char_indices().nth(16) {
        Some(_) => label.chars().take(15).chain(['…']).collect(),
        None => label.to_owned(),
    }
}

fn points(places: impl Iterator<Item = (f64, f64)>) -> String {
    places.map(|(x, y)| format!("{},{}", at(x), at(y))).collect::<Vec<_>>().join(" ")
}

/// Circle, square, triangle, diamond: colour is never the only difference.
fn marker(style: Style, x: f64, y: f64) -> String {
    let (x, y) = (at(x), at(y));
    let Style::Attack(n) = style else { return format!("M{x} {y}m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0") };
    match n % 4 {
        0 => format!("M{x} {y}m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0"),
        1 => format!("M{x} {y}m-3-3h6v6h-6z"),
        2 => format!("M{x} {y}m0-4l4 7h-8z"),
        _ => format!("M{x} {y}m0-4.5l4.5 4.5-4.5 4.5-4.5-4.5z"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(value: f64) -> Option<Estimate> {
        Some(Estimate { value, low: Some(value - 0.1), high: Some(value + 0.1) })
    }

    fn curve(points: Vec<(f64, Option<Estimate>)>) -> SecurityCurve {
        let series = vec![Series { label: "pgd".into(), style: Style::Attack(1), points }];
        let axis = "L∞".into();
        let if_empty = "nothing is ranked".into();
        SecurityCurve { title: "victim".into(), axis, grows: true, clean: point(0.8), series, if_empty }
    }

    #[test]
    fn a_missing_point_breaks_the_line_and_is_not_drawn_as_zero() {
        let svg = curve(vec![(0.001, point(0.5)), (0.002, None), (0.004, point(0.2))]).draw().into_string();
        assert_eq!(svg.matches("<polyline points").count(), 2);
        assert_eq!(svg.matches("class=\"marker\"").count(), 3);
        assert!(!svg.contains("0.002"), "an eps without a value is no tick");
    }

    #[test]
    fn nothing_to_draw_says_so() {
        assert!(curve(vec![(0.001, None)]).draw().into_string().contains("nothing is ranked"));
    }

    #[test]
    fn labels_keep_their_distance_and_stay_inside() {
        let places = spread(&[BOTTOM - 1.0, BOTTOM, BOTTOM]);
        assert_eq!(places, [BOTTOM - 2.0 * LABEL_HEIGHT, BOTTOM - LABEL_HEIGHT, BOTTOM]);
        assert_eq!(spread(&[TOP, TOP]), [TOP, TOP + LABEL_HEIGHT]);
    }

    #[test]
    fn names_are_escaped() {
        let mut hostile = curve(vec![(0.001, point(0.5))]);
        hostile.series[0].label = "<script>alert(1)</script>".into();
        assert!(!hostile.draw().into_string().contains("<script"));
    }
}
