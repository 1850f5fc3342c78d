//! Reading down through the whole cache: what takes the page longer than 50 ms, and how large it gets.

use std::time::Instant;

use nostrp2p_tests::{Browser, until};
use serde_json::{Value, json};

use super::opening::Reader;

/// Pixels a second at the beginning of a fling: the fastest that Android knows.
const SPEED: u32 = 8_000;
/// A thumb flings again when the page has slowed down to this.
const SLOW: u32 = 2_500;
/// How fast a page slows down: to a third in about so many milliseconds.
const FRICTION_MS: u32 = 350;
/// Most pixels of one frame: a browser that comes late to one does not jump over what it missed.
const STEP: u32 = 400;

/// Flings until stopped, one fling after the other, and notes tasks of more than 50 ms and the number of elements.
const SCROLL: &str = "
    window.scrolled = { tasks: [], elements: 0, frames: 0, end: '' };
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) scrolled.tasks.push(Math.round(entry.duration));
    }).observe({ type: 'longtask' });
    const [fast, slow, friction, most] = arguments;
    let before = performance.now();
    let speed = fast;
    const step = now => {
        const passed = Math.max(now - before, 0);
        before = now;
        speed *= Math.exp(-passed / friction);
        if (speed < slow) speed = fast;
        scrollBy({ top: Math.min(speed * passed / 1000, most), behavior: 'instant' });
        scrolled.frames += 1;
        if (scrolled.frames % 32 === 0) {
            scrolled.elements = Math.max(scrolled.elements, document.querySelectorAll('*').length);
            const posts = document.querySelectorAll('[data-testid=post-text]');
            scrolled.end = posts[posts.length - 1]?.textContent.split(':')[0] ?? '';
        }
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);";

/// How far it has come, and what to know if it goes no further.
const STATE: &str = "
    const past = document.querySelector('.past')?.textContent;
    const { scrollHeight } = document.documentElement;
    return [scrolled.end, scrolled.frames, scrollY, scrollHeight, past, document.getElementById('crash').textContent];";

/// Scrolls from the newest post to the oldest.
pub async fn measure(posts: usize) {
    let Reader { node, browser } = Reader::with_cache(posts).await;
    browser.driver.refresh().await.expect("a page");
    browser.see("post-text", &format!("No. {}", posts - 1)).await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.be_as_slow_as_a_phone().await;
    browser.devtools("Performance.enable", json!({})).await;
    let before = heap(&browser).await;
    let busy_before = busy(&browser).await;
    let begun = Instant::now();
    browser
        .driver
        .execute(SCROLL, [SPEED, SLOW, FRICTION_MS, STEP].map(|number| json!(number)).to_vec())
        .await
        .expect("a page");
    let mut last = String::new();
    while last != "No. 0" {
        // As long as it goes on it may take as long as it takes.
        let former = last.clone();
        last = until("the page to go on", || async {
            let state = browser.run(STATE).await;
            let end = state[0].as_str().unwrap_or_default().to_owned();
            if end == former { Err(state) } else { Ok(end) }
        })
        .await;
    }
    let took = begun.elapsed();
    let scrolled = browser.run("return scrolled").await;
    let tasks: Vec<u64> = serde_json::from_value(scrolled["tasks"].clone()).unwrap_or_default();
    println!(
        "posts scrolled through                      {posts}, {} a second",
        posts / usize::try_from(took.as_secs().max(1)).unwrap_or(usize::MAX)
    );
    println!(
        "tasks longer than 50 ms meanwhile           {} of {} frames, the longest {} ms",
        tasks.len(),
        scrolled["frames"],
        tasks.iter().max().copied().unwrap_or_default()
    );
    print_busy(&browser, busy_before, &scrolled["frames"]).await;
    println!("most elements on the page                   {}", scrolled["elements"]);
    println!("JavaScript heap before and after            {before:.1} MB, {:.1} MB", heap(&browser).await);
    browser.close().await;
    drop(node);
}

/// Prints how long the main thread was busy for each of these frames.
pub async fn print_busy(browser: &Browser, before: [f64; 4], frames: &Value) {
    let (busy, frames) = (busy(browser).await, frames.as_f64().unwrap_or(1.0));
    let [all, script, style, layout] = std::array::from_fn(|part| 1e3 * (busy[part] - before[part]) / frames);
    println!(
        "milliseconds of the main thread for a frame {all:.1}: script {script:.1}, style {style:.1}, layout {layout:.1}"
    );
}

/// Seconds that the main thread has been busy: in all, with scripts, styles and layout.
pub async fn busy(browser: &Browser) -> [f64; 4] {
    let metrics = browser.devtools("Performance.getMetrics", json!({})).await;
    let metrics = metrics["metrics"].as_array().cloned().unwrap_or_default();
    ["TaskDuration", "ScriptDuration", "RecalcStyleDuration", "LayoutDuration"].map(|name| {
        let metric = metrics.iter().find(|metric| metric["name"] == name);
        metric.and_then(|metric| metric["value"].as_f64()).unwrap_or_default()
    })
}

async fn heap(browser: &Browser) -> f64 {
    browser.devtools("HeapProfiler.collectGarbage", json!({})).await;
    let metrics = browser.devtools("Performance.getMetrics", json!({})).await;
    let metrics = metrics["metrics"].as_array().cloned().unwrap_or_default();
    let used = metrics.iter().find(|metric| metric["name"] == "JSHeapUsedSize");
    used.and_then(|metric| metric["value"].as_f64()).unwrap_or_default() / 1e6
}
