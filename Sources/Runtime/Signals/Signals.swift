/// A sequence of signals that the process receives. It replaces the system's default action.
///
/// ```swift
/// for await signal in try Signals([.terminate, .interrupt]) {
///   print("\(signal): going to end")
///   break
/// }
/// ```
///
/// The signals are caught from the creation of the sequence until the last reference to it or to one of its iterators
/// is gone. Signals that arrive before they are requested are kept, as often as they arrived; the system merges
/// instances of one signal that are pending at the same time. Different signals may be delivered out of order.
///
/// If several sequences contain a signal, each receives it. When the last of them is gone, the process's previous
/// disposition of the signal is restored, unless the program has installed its own handler meanwhile. If several tasks
/// iterate over *one* sequence, each signal goes to one of them.
///
/// A signal in no sequence keeps its disposition. For example, SIGPIPE ends a process that writes to a pipe without a
/// reader, as `print` may do; call `signal(SIGPIPE, SIG_IGN)` to prevent that. The streams of this library and
/// ``LineWriter`` never raise it. A system call that a signal interrupts is restarted if it can be (signal(7)).
///
/// *Isolation:* a signal handler, which runs on any thread, counts the signal and wakes the thread `gearbox-signals`,
/// which delivers it. That thread starts with the first sequence, serves all sequences and runs until the process ends.
/// No descriptor is used. The loop continues on the executor of its task.
///
/// *Cancellation:* the loop ends when its task is cancelled. Signals that were not requested stay in the sequence.
public struct Signals: AsyncSequence, Sendable {
  public typealias Element = Signal
  public typealias Failure = Never

  private let subscription: Subscription

  /// Starts catching `signals`.
  ///
  /// - Throws: ``SignalError`` if one of them cannot be caught, or if the system cannot create the thread. Then no
  ///   signal is caught.
  public init(_ signals: Set<Signal>) throws(SignalError) {
    subscription = try Subscription(signals)
  }

  /// Catches `signals` until the process ends, and calls `handler` for each.
  ///
  /// The calls are made one after another on the thread `gearbox-signals`. They work even if every worker of a runtime
  /// is stuck and the process has no descriptor left, which suits the signal that ends the process at once. The handler
  /// must not block, since that thread delivers all signals.
  ///
  /// - Throws: ``SignalError`` if one of them cannot be caught, or if the system cannot create the thread.
  public static func handle(
    _ signals: Set<Signal>, with handler: @escaping @Sendable (Signal) -> Void
  ) throws(SignalError) {
    try SignalCatcher.add(SignalHandler(signals, handler))
  }

  public func makeAsyncIterator() -> Iterator { Iterator(subscription: subscription) }

  /// The iterator of a ``Signals`` sequence.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let subscription: Subscription

    /// Returns the next pending signal, or waits for one.
    ///
    /// - Returns: `nil` if the task is cancelled.
    public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> Signal? {
      await subscription.mailbox.next()
    }
  }

  /// Catches the signals for as long as it exists.
  fileprivate final class Subscription: Sendable {
    let mailbox: SignalMailbox

    init(_ signals: Set<Signal>) throws(SignalError) {
      mailbox = SignalMailbox(signals)
      try SignalCatcher.add(mailbox)
    }

    deinit { SignalCatcher.remove(mailbox) }
  }
}
