//! Lets changes through at most so often, and the last one always.

use std::time::Duration;

use tokio::sync::watch;

/// A receiver of what `source` receives: a change after a pause at once, further ones at most every `every`. Ends when
/// `source` does.
pub(crate) fn throttled<T: Clone + Send + Sync + 'static>(
    mut source: watch::Receiver<T>,
    every: Duration,
) -> watch::Receiver<T> {
    let (sender, receiver) = watch::channel(source.borrow_and_update().clone());
    tokio::spawn(async move {
        while source.changed().await.is_ok() {
            let value = source.borrow_and_update().clone();
            if sender.send(value).is_err() {
                return;
            }
            // What changes meanwhile is seen by the next turn, also if it is the last for a long time.
            tokio::time::sleep(every).await;
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn many_changes_come_through_as_few_and_the_last_is_never_lost() {
        let every = Duration::from_millis(50);
        let (sender, source) = watch::channel(0);
        let mut receiver = throttled(source, every);
        let start = Instant::now();
        let sending = tokio::task::spawn_blocking(move || {
            for value in 1..=2000 {
                sender.send(value).unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
            sender
        });
        let (mut received, mut last) = (0, 0);
        while last < 2000 {
            receiver.changed().await.unwrap();
            let value = *receiver.borrow_and_update();
            assert!(value > last);
            (received, last) = (received + 1, value);
        }
        let most = start.elapsed().as_millis() / every.as_millis() + 2;
        assert!(received <= most, "{received} came through, not {most}");
        assert!(received > 2, "only {received} came through");
        drop(sending.await.unwrap());
        assert!(
            receiver.changed().await.is_err(),
            "it goes on after its source"
        );
    }

    #[tokio::test]
    async fn a_change_after_a_pause_comes_at_once() {
        let (sender, source) = watch::channel(0);
        let mut receiver = throttled(source, Duration::from_secs(3600));
        sender.send(1).unwrap();
        receiver.changed().await.unwrap();
        assert_eq!(*receiver.borrow(), 1);
    }
}
