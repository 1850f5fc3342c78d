//! The picture: a panel for each thing that may grow, both axes logarithmic, and beside each line what it says.

use std::fmt::Write as _;

use super::growth::Measured;

/// What is shown together.
pub struct Panel {
    pub title: &'static str,
    pub unit: &'static str,
    /// Name and label of each line.
    pub series: &'static [(&'static str, &'static str)],
}

pub const PANELS: [Panel; 8] = [
    Panel {
        title: "Storing an event",
        unit: "µs of a processor",
        series: &[("store durable", "50 programs that wait"), ("store import", "import")],
    },
    Panel {
        title: "Bytes of an event",
        unit: "bytes",
        series: &[
            ("written durable", "written, programs wait"),
            ("written import", "written, import"),
            ("file", "in the file"),
        ],
    },
    Panel {
        title: "A question for 20 events",
        unit: "µs of a processor",
        series: &[
            ("read by kind", "by kind"),
            ("read by author", "by author"),
            ("read by tag", "by tag"),
            ("read by ids", "by ids"),
            ("read by people followed", "of 200 people followed"),
        ],
    },
    Panel {
        title: "Memory",
        unit: "MiB resident",
        series: &[
            ("memory started", "after the start"),
            ("memory reading", "after questions"),
            ("memory storing", "after storing"),
        ],
    },
    Panel {
        title: "A start",
        unit: "ms",
        series: &[("start killed", "after a kill"), ("start", "after a stop")],
    },
    Panel {
        title: "A comparison with a neighbour",
        unit: "ms of a processor",
        series: &[("sync everything", "of 25 days"), ("sync day", "of the newest day")],
    },
    Panel {
        title: "A sweep of 1,000 events",
        unit: "ms of a processor",
        series: &[
            ("sweep first", "the first of a full store"),
            ("sweep by number", "a full store"),
            ("sweep by age", "too old"),
        ],
    },
    Panel { title: "An export", unit: "µs an event", series: &[("export", "all events")] },
];

const COLUMNS: usize = 4;
const WIDTH: f64 = 300.0;
const PLOT_HEIGHT: f64 = 150.0;
const MARGIN: f64 = 20.0;
/// Height of a line of text.
const LINE: f64 = 16.0;
/// Height of the head of the picture.
const HEAD: f64 = 60.0;
/// Left and right of a plot, in its panel.
const LEFT: f64 = 38.0;
const RIGHT: f64 = WIDTH - 18.0;

/// Colours are told apart by people who see fewer of them, too, and each line has a mark of its own.
const STYLE: &str = "
svg { font: 12px system-ui, sans-serif; background: #fff; color-scheme: light dark }
.ground { fill: #fff } text { fill: #1f2328 } .faint { fill: #59636e } .title { font-weight: 600; font-size: 14px }
.head { font-weight: 600; font-size: 17px } .number { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #d1d9e0; fill: none } .guide { stroke: #818b98; stroke-dasharray: 2 4; fill: none }
.line { fill: none; stroke-width: 2 }
.c0 { stroke: #0550ae } .c1 { stroke: #bc4c00 } .c2 { stroke: #116329 } .c3 { stroke: #8250df } .c4 { stroke: #a40e26 }
.m0 { fill: #0550ae } .m1 { fill: #bc4c00 } .m2 { fill: #116329 } .m3 { fill: #8250df } .m4 { fill: #a40e26 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117 }
.ground { fill: #0d1117 } text { fill: #f0f6fc } .faint { fill: #9198a1 }
.grid { stroke: #3d444d } .guide { stroke: #656c76 }
.c0 { stroke: #79c0ff } .c1 { stroke: #ffa657 } .c2 { stroke: #7ee787 } .c3 { stroke: #d2a8ff } .c4 { stroke: #ff9492 }
.m0 { fill: #79c0ff } .m1 { fill: #ffa657 } .m2 { fill: #7ee787 } .m3 { fill: #d2a8ff } .m4 { fill: #ff9492 }
}";

/// Draws an SVG of what was measured, the smallest size first.
pub fn draw(measured: &[Measured]) -> String {
    let mut svg = String::new();
    let mut top = HEAD;
    for row in PANELS.chunks(COLUMNS) {
        let lines = row.iter().map(|panel| panel.series.len()).max().unwrap_or(0);
        let height = LINE * (f64::from(u32::try_from(lines).unwrap()) + 3.5);
        let mut left = MARGIN;
        for panel in row {
            Drawing { svg: &mut svg, measured, left, top, plot: top + height }.panel(panel);
            left += WIDTH;
        }
        top += height + PLOT_HEIGHT + 3.5 * LINE;
    }
    let width = 2.0 * MARGIN + WIDTH * f64::from(u32::try_from(COLUMNS).unwrap());
    let note = last_decade(measured).map_or_else(String::new, |(before, last)| {
        format!(
            "×10: how many times as much it is with {} events as with {}. A dotted line grows as fast as the number of events. \
             Both axes are logarithmic.",
            count(last.events),
            count(before.events)
        )
    });
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {top}\" width=\"{width}\" height=\"{top}\" \
         role=\"img\" aria-label=\"What grows with the number of stored events\">\n<style>{STYLE}\n</style>\n\
         <rect class=\"ground\" width=\"{width}\" height=\"{top}\"/>\n\
         <text class=\"head\" x=\"{MARGIN}\" y=\"26\">What grows with the number of stored events</text>\n\
         <text class=\"faint\" x=\"{MARGIN}\" y=\"46\">{note}</text>\n{svg}</svg>\n"
    )
}

/// The largest size and a tenth of it.
pub fn last_decade(measured: &[Measured]) -> Option<(&Measured, &Measured)> {
    let last = measured.last()?;
    Some((measured.iter().find(|row| row.events * 10 == last.events)?, last))
}

/// A panel that is drawn.
struct Drawing<'a> {
    svg: &'a mut String,
    measured: &'a [Measured],
    left: f64,
    top: f64,
    /// Where its plot begins, below the texts.
    plot: f64,
}

impl Drawing<'_> {
    fn panel(&mut self, panel: &Panel) {
        self.text("title", 0.0, self.top + LINE, panel.title);
        let line = self.top + 2.0 * LINE;
        self.text("faint", 0.0, line, panel.unit);
        let (first, last) = (&self.measured[0], &self.measured[self.measured.len() - 1]);
        for (head, right) in
            [(count(first.events), 188.0), (count(last.events), 232.0), ("×10".to_owned(), 272.0)]
        {
            self.text("faint number", right, line, &head);
        }
        let figures =
            panel.series.iter().flat_map(|(name, _)| self.measured.iter().map(|row| row.figures[*name]));
        let figures: Vec<f64> = figures.collect();
        let low = figures.iter().copied().fold(f64::INFINITY, f64::min).max(0.001).log10().floor();
        let high = figures.iter().copied().fold(0.0, f64::max).max(0.01).log10().ceil().max(low + 2.0);
        self.axes(low, high);
        for (number, (name, label)) in panel.series.iter().enumerate() {
            self.line(number, (name, label), (low, high));
        }
    }

    fn axes(&mut self, low: f64, high: f64) {
        let bottom = self.plot + PLOT_HEIGHT;
        let mut power = low;
        while power <= high {
            let y = self.y(10_f64.powf(power), (low, high));
            let (left, right) = (self.left + LEFT, self.left + RIGHT);
            let _infallible = writeln!(self.svg, "<path class=\"grid\" d=\"M{left:.1} {y:.1}H{right:.1}\"/>");
            self.text("faint number", LEFT - 6.0, y + 4.0, &power_of_ten(power));
            power += 1.0;
        }
        for row in self.measured {
            let x = self.x(row.events);
            let _infallible =
                writeln!(self.svg, "<path class=\"grid\" d=\"M{x:.1} {:.1}V{bottom:.1}\"/>", self.plot);
            self.text("faint middle", x - self.left, bottom + LINE, &count(row.events));
        }
        self.text("faint number", RIGHT, bottom + 2.0 * LINE, "stored events");
        // As fast as the number of events, from the lower left corner.
        let decades = self.decades().min(high - low);
        let (x, y) = (self.left + LEFT, self.plot + PLOT_HEIGHT);
        let to_x = x + (RIGHT - LEFT) * decades / self.decades();
        let to_y = y - PLOT_HEIGHT * decades / (high - low);
        let _infallible =
            writeln!(self.svg, "<path class=\"guide\" d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\"/>");
    }

    fn line(&mut self, number: usize, (name, label): (&str, &str), range: (f64, f64)) {
        let figure = |row: &Measured| row.figures[name];
        let points: Vec<(f64, f64)> =
            self.measured.iter().map(|row| (self.x(row.events), self.y(figure(row), range))).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let _infallible = writeln!(self.svg, "<path class=\"line c{number}\" d=\"M{}\"/>", path.join("L"));
        for (x, y) in points {
            self.mark(number, x, y);
        }
        let y = self.top + LINE * (3.0 + f64::from(u32::try_from(number).unwrap()));
        self.mark(number, self.left + 5.0, y - 4.0);
        self.text("", 14.0, y, label);
        let (first, last) = (&self.measured[0], &self.measured[self.measured.len() - 1]);
        self.text("number", 188.0, y, &short(figure(first)));
        self.text("number", 232.0, y, &short(figure(last)));
        if let Some((before, last)) = last_decade(self.measured) {
            self.text("number", 272.0, y, &short(figure(last) / figure(before).max(1e-9)));
        }
    }

    fn mark(&mut self, number: usize, x: f64, y: f64) {
        let shape = match number {
            0 => "a3.5 3.5 0 1 0 .01 0z",
            1 => "m-3 0h6v7h-6z",
            2 => "m0 -1l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
            3 => "m0 -1l4.5 8h-9z",
            _ => "m-4.5 0h9l-4.5 8z",
        };
        let y = y - 3.5;
        let _infallible = writeln!(self.svg, "<path class=\"m{number}\" d=\"M{x:.1} {y:.1}{shape}\"/>");
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let x = self.left + x;
        let _infallible =
            writeln!(self.svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
    }

    fn x(&self, events: usize) -> f64 {
        let place = decades(self.measured[0].events, events) / self.decades();
        self.left + LEFT + (RIGHT - LEFT) * place
    }

    fn y(&self, figure: f64, (low, high): (f64, f64)) -> f64 {
        let place = (figure.max(1e-9).log10() - low) / (high - low);
        self.plot + PLOT_HEIGHT * (1.0 - place.clamp(0.0, 1.0))
    }

    fn decades(&self) -> f64 {
        decades(self.measured[0].events, self.measured[self.measured.len() - 1].events).max(1.0)
    }
}

fn decades(from: usize, to: usize) -> f64 {
    let log = |number: usize| f64::from(u32::try_from(number).unwrap()).log10();
    log(to) - log(from)
}

fn count(events: usize) -> String {
    match events {
        1_000_000.. => format!("{}M", events / 1_000_000),
        1_000.. => format!("{}k", events / 1_000),
        _ => events.to_string(),
    }
}

/// The label of a grid line.
fn power_of_ten(power: f64) -> String {
    match power {
        6.0.. => format!("{}M", 10_f64.powf(power - 6.0)),
        3.0.. => format!("{}k", 10_f64.powf(power - 3.0)),
        0.0.. => format!("{}", 10_f64.powf(power)),
        _ => format!("{:.*}", if power < -1.5 { 2 } else { 1 }, 10_f64.powf(power)),
    }
}

/// Two digits that say something, or more where the number is large.
fn short(number: f64) -> String {
    match number {
        10_000.0.. => format!("{:.0}k", number / 1_000.0),
        1_000.0.. => format!("{:.1}k", number / 1_000.0),
        10.0.. => format!("{number:.0}"),
        1.0.. => format!("{number:.1}"),
        0.1.. => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}
