//! Measures tokio's scheduler, with the loads and names of `swift run -c release Benchmarks scheduler`.
//!
//! Measures each benchmark once, or only those named as arguments, and prints a line for each figure: benchmark, figure,
//! value. WORKERS is the number of threads.
use std::env;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

const COUNT: usize = 500_000;
const BATCH: usize = 1000;

fn main() {
    let workers = env::var("WORKERS").ok().and_then(|value| value.parse().ok()).unwrap_or(2);
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build().expect("a runtime");
    let wanted: Vec<String> = env::args().skip(1).collect();
    for name in ["spawn", "chain", "yield", "pingpong", "sleep", "inject", "blocking", "blockinturn", "skewed"] {
        if !wanted.is_empty() && !wanted.iter().any(|one| one == name) {
            continue;
        }
        // In a task, so that it starts on a worker.
        let figures = runtime.block_on(async move { tokio::spawn(measure(name)).await.expect("no panic") });
        for (figure, value) in figures {
            println!("{name} {figure} {value}");
        }
    }
}

async fn measure(name: &str) -> Vec<(&'static str, f64)> {
    match name {
        "spawn" => vec![("rate", spawn_and_join().await)],
        "chain" => vec![("time", chain().await)],
        "yield" => vec![("time", yields().await)],
        "pingpong" => vec![("time", ping_pong().await)],
        "sleep" => vec![("time", sleep().await)],
        "inject" => vec![("rate", inject().await)],
        "blocking" => vec![("rate", blocking().await)],
        "blockinturn" => vec![("time", blocking_in_turn().await)],
        _ => skewed().await,
    }
}

/// Millions of tasks a second that are started and awaited, a thousand at a time.
async fn spawn_and_join() -> f64 {
    let start = Instant::now();
    for _ in 0..COUNT / BATCH {
        let tasks: Vec<_> = (0..BATCH).map(|_| tokio::spawn(async {})).collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    }
    COUNT as f64 / start.elapsed().as_secs_f64() / 1e6
}

/// Nanoseconds per task, where each starts the next and ends.
async fn chain() -> f64 {
    // Boxed, since a future cannot contain itself.
    fn link(rest: usize, end: oneshot::Sender<()>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if rest == 0 {
                let _ = end.send(());
            } else {
                tokio::spawn(link(rest - 1, end));
            }
        })
    }
    let (end, ended) = oneshot::channel();
    let start = Instant::now();
    tokio::spawn(link(COUNT, end));
    ended.await.expect("the last link sends");
    nanoseconds(start) / COUNT as f64
}

/// Nanoseconds per yield.
async fn yields() -> f64 {
    let start = Instant::now();
    for _ in 0..COUNT {
        tokio::task::yield_now().await;
    }
    nanoseconds(start) / COUNT as f64
}

/// Nanoseconds per round trip between two tasks that wake each other.
async fn ping_pong() -> f64 {
    const ROUNDS: usize = 200_000;
    let (ping, mut pinged) = tokio::sync::mpsc::channel::<()>(1);
    let (pong, mut ponged) = tokio::sync::mpsc::channel::<()>(1);
    let echo = tokio::spawn(async move {
        while pinged.recv().await.is_some() {
            if pong.send(()).await.is_err() {
                return;
            }
        }
    });
    let start = Instant::now();
    for _ in 0..ROUNDS {
        ping.send(()).await.expect("the echo receives");
        ponged.recv().await.expect("the echo sends");
    }
    let time = nanoseconds(start) / ROUNDS as f64;
    drop(ping);
    echo.await.expect("no panic");
    time
}

/// Milliseconds until 100,000 tasks have slept for 100 ms.
async fn sleep() -> f64 {
    let start = Instant::now();
    let tasks: Vec<_> = (0..100_000).map(|_| tokio::spawn(tokio::time::sleep(Duration::from_millis(100)))).collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    nanoseconds(start) / 1e6
}

/// Millions of tasks a second that a thread outside the runtime starts and waits for, a thousand at a time.
async fn inject() -> f64 {
    const TASKS: usize = 200_000;
    let runtime = Handle::current();
    let (end, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let start = Instant::now();
        for _ in 0..TASKS / BATCH {
            let (done, all_done) = mpsc::channel::<()>();
            for _ in 0..BATCH {
                let done = done.clone();
                runtime.spawn(async move { drop(done) });
            }
            drop(done);
            // Ends when the last sender is dropped.
            let _ = all_done.recv();
        }
        let _ = end.send(TASKS as f64 / start.elapsed().as_secs_f64() / 1e6);
    });
    ended.await.expect("the thread sends")
}

/// Thousands of pieces of blocking work a second, each submitted by a task of its own.
async fn blocking() -> f64 {
    const TASKS: usize = 100_000;
    let start = Instant::now();
    let tasks: Vec<_> =
        (0..TASKS).map(|_| tokio::spawn(async { tokio::task::spawn_blocking(|| {}).await.expect("no panic") })).collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    TASKS as f64 / start.elapsed().as_secs_f64() / 1e3
}

/// Microseconds per piece of blocking work, for a task that submits one after another.
async fn blocking_in_turn() -> f64 {
    const TIMES: usize = 20_000;
    let start = Instant::now();
    for _ in 0..TIMES {
        tokio::task::spawn_blocking(|| {}).await.expect("no panic");
    }
    nanoseconds(start) / 1e3 / TIMES as f64
}

/// Tasks of ten microseconds that all start on one worker: how many a second, and how long they take to their end where
/// forty of them start every millisecond or two.
async fn skewed() -> Vec<(&'static str, f64)> {
    const BATCHES: usize = 100;
    const TASKS: usize = 200;
    let start = Instant::now();
    for _ in 0..BATCHES {
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(async { spin() })).collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    }
    let rate = (BATCHES * TASKS) as f64 / start.elapsed().as_secs_f64() / 1e3;

    let mut latencies = Vec::new();
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let start = Instant::now();
                tokio::spawn(async move {
                    spin();
                    nanoseconds(start) / 1e3
                })
            })
            .collect();
        for task in tasks {
            latencies.push(task.await.expect("no panic"));
        }
    }
    latencies.sort_by(f64::total_cmp);
    vec![("rate", rate), ("p50", latencies[latencies.len() / 2]), ("p99", latencies[latencies.len() * 99 / 100])]
}

fn spin() {
    let end = Instant::now() + Duration::from_micros(10);
    while Instant::now() < end {}
}

fn nanoseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9
}
