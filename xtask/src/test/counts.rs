//! How many tests passed and failed, from what the test runners print.
//!
//! Read are the closing lines of libtest (`test result: ok. 3 passed; 0 failed; ...`, one for each binary, and the
//! same from wasm-bindgen's runner) and of nextest (`Summary [...] 3 tests run: 2 passed, 1 failed, ...`).

/// Tests that ran.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
}

/// Nextest's words for tests that did not pass.
const FAILED_WORDS: [&str; 4] = ["failed", "timed out", "exec failed", "setup scripts failed"];

/// Adds up libtest's closing lines. Nextest sums up once and last: whatever looks like a closing line before it are
/// words of a test.
pub fn count(output: &str) -> Counts {
    let mut libtest = Counts::default();
    let mut nextest = None;
    for line in output.lines() {
        let line = without_colours(line);
        if let Some((_, totals)) = line.split_once("test result: ") {
            let totals = totals.split_once(". ").map_or(totals, |(_, totals)| totals);
            add(&mut libtest, totals, ';');
        } else if let Some((_, totals)) = line.trim_start().strip_prefix("Summary [").and_then(split_summary)
        {
            add(nextest.insert(Counts::default()), totals, ',');
        }
    }
    nextest.unwrap_or(libtest)
}

/// Before and behind `N tests run: `.
fn split_summary(line: &str) -> Option<(&str, &str)> {
    line.split_once(" tests run: ").or_else(|| line.split_once(" test run: "))
}

fn add(counts: &mut Counts, totals: &str, separator: char) {
    for total in without_brackets(totals).split(separator) {
        let Some((number, word)) = total.trim().split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        let word = word.trim();
        if word == "passed" {
            counts.passed += number;
        } else if FAILED_WORDS.contains(&word) {
            counts.failed += number;
        }
    }
}

/// Nextest says `3 passed (1 slow, 1 leaky)`: what stands in brackets is counted already.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let keep = |char: &char| {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    text.chars().filter(keep).collect()
}

/// Leaves out the escape sequences by which a terminal is told to change colours.
fn without_colours(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            chars.find(char::is_ascii_alphabetic);
        } else {
            clean.push(char);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, passed: u64, failed: u64) {
        assert_eq!(count(output), Counts { passed, failed }, "{output}");
    }

    #[test]
    fn libtest_lines_of_several_binaries_add_up() {
        check(
            "running 2 tests\ntest a ... ok\n\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
             test result: FAILED. 5 passed; 3 failed; 1 ignored; 0 measured; 7 filtered out; finished in 1.20s\n",
            7,
            3,
        );
    }

    #[test]
    fn wasm_bindgen_lines_are_read() {
        check(
            "running 3 tests\ntest boot::opens ... ok\n\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 filtered out; finished in 0.31s\n",
            3,
            0,
        );
    }

    #[test]
    fn nextest_summaries_of_every_shape_are_read() {
        let line = |totals: &str| format!("------------\n     Summary [   0.006s] {totals}\n");
        check(&line("1 test run: 1 passed, 0 skipped"), 1, 0);
        check(&line("12 tests run: 12 passed (1 slow, 2 leaky), 4 skipped"), 12, 0);
        check(
            &line("9 tests run: 5 passed (1 flaky), 2 failed, 1 timed out, 1 exec failed, 0 skipped"),
            5,
            4,
        );
        check(&line("3/5 tests run: 2 passed, 1 failed, 0 skipped"), 2, 1);
    }

    #[test]
    fn colours_do_not_hide_the_counts() {
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m1\u{1b}[0m \u{1b}[31;1mfailed\u{1b}[0m, 0 skipped\n",
            1,
            1,
        );
    }

    #[test]
    fn what_a_test_prints_does_not_count_beside_the_sum_of_nextest() {
        check(
            "test result: ok. 50 passed; 0 failed;\n Summary [ 0.1s] 2 tests run: 2 passed, 0 skipped\n",
            2,
            0,
        );
    }

    #[test]
    fn other_text_counts_nothing() {
        check("error: could not compile `x`\n3 passed, 4 failed\nSummary: 5 tests run: 5 passed\n", 0, 0);
    }
}
