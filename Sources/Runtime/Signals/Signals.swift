/// Signals that the process gets, instead of what the system does about them otherwise.
///
/// ```swift
/// for await signal in try Signals([.terminate, .interrupt]) {
///   print("\(signal): going to end")
///   break
/// }
/// ```
///
/// The signals are caught from when the sequence is made until the last reference to the sequence, or to an iterator of it,
/// has gone. Those that come before they are asked for are kept, each as often as it came; the system makes one of several
/// that come at once. The order of different signals is not always that in which they came.
///
/// Several sequences of a signal each get it every time. When the last of them has gone, the process does about the signal
/// what it did before the first, unless the program has set a handler of its own meanwhile. If several tasks ask *one*
/// sequence, each signal goes to one of them.
///
/// A signal that no sequence names does what it did. So SIGPIPE ends a process that writes to a pipe without a reader, as
/// `print` may do: a program that minds calls `signal(SIGPIPE, SIG_IGN)`. The streams of this library and ``LineWriter``
/// never raise it. A system call that is interrupted by a signal goes on if it is one that can (signal(7)).
///
/// *Isolation:* a signal handler, which runs on any thread, counts the signal and wakes a thread, `gearbox-signals`, which
/// hands it on. That thread starts with the first sequence, serves all of them and stays until the process ends. None of
/// it takes a descriptor. The loop goes on where it was, on the executor of its task.
///
/// *Cancellation:* the loop ends when its task is cancelled. What has come and has not been asked for stays in the sequence.
public struct Signals: AsyncSequence, Sendable {
  public typealias Element = Signal
  public typealias Failure = Never

  private let subscription: Subscription

  /// Catches `signals` from now on.
  ///
  /// - Throws: ``SignalError`` if one of them cannot be caught, or if there is no thread to be had. No signal is caught
  ///   then.
  public init(_ signals: Set<Signal>) throws(SignalError) {
    subscription = try Subscription(signals)
  }

  /// Catches `signals` from now on, until the process ends, and calls `handler` for each that comes.
  ///
  /// It is called on the thread `gearbox-signals`, one signal after another, and so it is called even if every worker of
  /// a runtime is stuck and the process has no descriptor left: for the signal that is to end the process at once. It must
  /// not block, since that thread hands on all signals.
  ///
  /// - Throws: ``SignalError`` if one of them cannot be caught, or if there is no thread to be had.
  public static func handle(
    _ signals: Set<Signal>, with handler: @escaping @Sendable (Signal) -> Void
  ) throws(SignalError) {
    try SignalCatcher.add(SignalHandler(signals, handler))
  }

  public func makeAsyncIterator() -> Iterator { Iterator(subscription: subscription) }

  /// Waits for the signals of a sequence.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let subscription: Subscription

    /// Waits for a signal, unless one is there.
    ///
    /// - Returns: `nil` if the task is cancelled.
    public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> Signal? {
      await subscription.mailbox.next()
    }
  }

  /// What catches the signals for as long as it is there.
  fileprivate final class Subscription: Sendable {
    let mailbox: SignalMailbox

    init(_ signals: Set<Signal>) throws(SignalError) {
      mailbox = SignalMailbox(signals)
      try SignalCatcher.add(mailbox)
    }

    deinit { SignalCatcher.remove(mailbox) }
  }
}
