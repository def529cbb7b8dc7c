/// What a server does when it has more to do than it can, so that what it does is still of use.
///
/// Without it every request waits longer and longer, until clients give up on responses that are then made in vain. What
/// tells overload is how long connections whose requests have come wait for a thread: if that has been longer than
/// ``target`` without a pause for ``interval``, the server is overloaded, until it has not. That is the idea of CoDel
/// (RFC 8289, "Controlled Delay"), as Facebook's servers apply it to requests (Maurer, "Fail at Scale", 2015).
///
/// It helps where threads are what is short. A handler that waits for a slow database has no thread meanwhile; a limit for
/// that is the handler's to set.
public struct OverloadOptions: Sendable {
  /// How a server that is overloaded sheds load.
  public struct Response: Hashable, Sendable {
    private enum Kind { case refuse, stopAccepting }

    private let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// Requests that have waited for twice the target are answered by a 503 with `Retry-After`, and no handler is asked. So
    /// others are answered within about that time. Reading and refusing a request costs some six microseconds: a server of
    /// handlers that take ten times as long, or longer, keeps most of its throughput at several times its load.
    public static let refuse = Response(.refuse)
    /// No new connections are accepted: they wait in the listener's backlog, and past that the system drops them. Requests
    /// on connections that are there are answered, however long that takes. For clients that use a connection for a
    /// request, and for servers behind a proxy that tries another one.
    public static let stopAccepting = Response(.stopAccepting)
  }

  /// For how long a request may regularly wait for a thread.
  public var target: Duration = .milliseconds(5)
  /// For how long all requests have to wait longer before the server counts as overloaded. A burst that is dealt with in
  /// less is none.
  public var interval: Duration = .milliseconds(100)
  /// What is done then.
  public var response = Response.refuse
  /// What `Retry-After` says in a refusal, in seconds.
  public var retryAfter = 1
  /// Which requests are never refused, such as those that ask whether the server is up. It is called in the connection's
  /// task, and must not block. By default there are none.
  public var isExempt: @Sendable (Request) -> Bool = { _ in false }

  /// The usual options.
  public init() {}
}
