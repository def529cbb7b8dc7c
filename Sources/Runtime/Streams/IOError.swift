import Glibc

/// An error of an input or output operation.
///
/// Two errors are equal if their operations and reasons are equal; their causes are not compared.
public struct IOError: Error, Sendable {
  /// The operation that failed.
  public let operation: Operation
  /// The reason for the failure.
  public let reason: Reason
  /// The underlying error of another layer: a TLS alert, a resolver's answer, an error of a foreign transport. `nil`
  /// for errors that originate in this library.
  public let cause: (any Error)?

  /// Creates an error of `operation` with `reason`.
  public init(_ operation: Operation, _ reason: Reason) {
    self.operation = operation
    self.reason = reason
    cause = nil
  }

  /// Creates an error of `operation` that an error of another layer caused. Its reason is ``Reason/foreign`` unless
  /// another one fits.
  public init(_ operation: Operation, _ reason: Reason = .foreign, causedBy cause: any Error) {
    self.operation = operation
    self.reason = reason
    self.cause = cause
  }

  /// The system's error number, if the system reported the error.
  public var errno: Int32? { reason.errno }
}

extension IOError: Hashable {
  public static func == (a: IOError, b: IOError) -> Bool { a.operation == b.operation && a.reason == b.reason }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(operation)
    hasher.combine(reason)
  }
}

extension IOError {
  /// An operation that can fail.
  ///
  /// Its members are inlinable because streams in other modules name an operation with every read and write.
  public struct Operation: Hashable, Sendable {
    @usableFromInline
    enum Kind: UInt8, Hashable, Sendable {
      case socket, bind, listen, accept, connect, read, write, receive, send, shutdown, poll, thread, resolve, open
    }

    @usableFromInline let kind: Kind

    @inlinable
    init(_ kind: Kind) { self.kind = kind }

    /// Creating a socket, or setting one of its options.
    @inlinable public static var socket: Operation { Operation(.socket) }
    /// Binding a socket to an address.
    @inlinable public static var bind: Operation { Operation(.bind) }
    /// Starting to listen.
    @inlinable public static var listen: Operation { Operation(.listen) }
    /// Accepting a connection, or waiting for one.
    @inlinable public static var accept: Operation { Operation(.accept) }
    /// Connecting to a peer.
    @inlinable public static var connect: Operation { Operation(.connect) }
    /// Reading, or waiting for readability.
    @inlinable public static var read: Operation { Operation(.read) }
    /// Writing, or waiting for writability.
    @inlinable public static var write: Operation { Operation(.write) }
    /// Receiving a datagram, or waiting for one.
    @inlinable public static var receive: Operation { Operation(.receive) }
    /// Sending a datagram, or waiting until that is possible.
    @inlinable public static var send: Operation { Operation(.send) }
    /// Closing the write side of a stream.
    @inlinable public static var shutdown: Operation { Operation(.shutdown) }
    /// Watching a descriptor for readiness.
    @inlinable public static var poll: Operation { Operation(.poll) }
    /// Starting a thread.
    @inlinable public static var thread: Operation { Operation(.thread) }
    /// Resolving a host name.
    @inlinable public static var resolve: Operation { Operation(.resolve) }
    /// Opening a file.
    @inlinable public static var open: Operation { Operation(.open) }
  }

  /// The reason for a failure.
  public struct Reason: Hashable, Sendable {
    fileprivate enum Kind: Hashable {
      case closed, cancelled, busy, invalidPath, foreign
      case system(Int32)
    }

    fileprivate let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// The stream, the listener or the whole runtime has been closed on this side.
    public static let closed = Reason(.closed)
    /// The task that waited was cancelled.
    public static let cancelled = Reason(.cancelled)
    /// Another task is already waiting for the same thing.
    public static let busy = Reason(.busy)
    /// The address is a path that no Unix-domain socket can have: it exceeds 107 bytes or contains a NUL.
    public static let invalidPath = Reason(.invalidPath)
    /// Another layer failed; see ``IOError/cause``.
    public static let foreign = Reason(.foreign)
    /// The system reported an error. `code` is the value of `errno`.
    public static func system(_ code: Int32) -> Reason { Reason(.system(code)) }

    /// The system's error number, if the system reported the error.
    public var errno: Int32? { if case .system(let code) = kind { code } else { nil } }
  }
}

extension IOError.Operation: CustomStringConvertible {
  /// The operation's name, such as `connect` or `read`.
  public var description: String { "\(kind)" }
}

extension IOError: CustomStringConvertible {
  /// A description such as "bind: Address already in use (errno 98)".
  public var description: String {
    let cause = cause.map { "\($0)" }
    guard reason != .foreign else { return "\(operation): \(cause ?? "another layer failed")" }
    return "\(operation): \(reason)" + (cause.map { " (\($0))" } ?? "")
  }
}

extension IOError.Reason: CustomStringConvertible {
  /// A description such as "Address already in use (errno 98)".
  public var description: String {
    switch kind {
    case .closed: "closed"
    case .cancelled: "cancelled"
    case .busy: "another task is already waiting for this"
    case .invalidPath: "a Unix-domain socket path has at most 107 bytes and contains no NUL"
    case .foreign: "another layer failed"
    case .system(let code): "\(systemErrorMessage(code)) (errno \(code))"
    }
  }
}

/// Returns the system's message for an error number.
func systemErrorMessage(_ code: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else { return "unknown error" }
    return String(cString: base)
  }
}
