/// How a server detects overload and sheds load, so that the responses it does send still arrive in time to be useful.
///
/// Without these options every request waits longer and longer, until clients give up and responses are sent in vain.
/// The measure of overload is how long connections whose requests have arrived wait for a thread. The server is
/// overloaded once every wait during an ``interval`` has been longer than ``target``, until an interval has a shorter
/// one. This is the idea of CoDel (RFC 8289, "Controlled Delay"), applied to requests as Facebook's servers do (Maurer,
/// "Fail at Scale", 2015).
///
/// It helps where threads are the scarce resource. A handler that waits for a slow database occupies no thread; limits
/// for such waits belong in the handler.
public struct OverloadOptions: Sendable {
  /// How an overloaded server sheds load.
  public struct Response: Hashable, Sendable {
    private enum Kind { case refuse, stopAccepting }

    private let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// Answers requests that have waited for more than twice the target with a 503 and `Retry-After`, without calling a
    /// handler, so that the others are answered within about that time. Reading and refusing a request costs some six
    /// microseconds: a server whose handlers take ten times as long, or longer, keeps most of its throughput at several
    /// times its load.
    public static let refuse = Response(.refuse)
    /// Accepts no new connections: they wait in the listener's backlog, and the system drops those that do not fit.
    /// Requests on open connections are answered, however long that takes. For clients that use one connection per
    /// request, and for servers behind a proxy that tries another server.
    public static let stopAccepting = Response(.stopAccepting)
  }

  /// The longest time that a request may regularly wait for a thread.
  public var target: Duration = .milliseconds(5)
  /// How long all waits have to exceed the target before the server counts as overloaded. A burst that is over sooner
  /// does not count.
  public var interval: Duration = .milliseconds(100)
  /// What the server does while it is overloaded.
  public var response = Response.refuse
  /// The value of `Retry-After` in a refusal, in seconds.
  public var retryAfter = 1
  /// Returns whether a request must never be refused, such as a health check. Called in the connection's task; must not
  /// block. By default no request is exempt.
  public var isExempt: @Sendable (Request) -> Bool = { _ in false }

  /// Creates the default options.
  public init() {}
}
