import Glibc

/// Why an input or output operation ended without doing what was asked of it.
///
/// Two errors are equal if their operations and their reasons are; what caused them does not count.
public struct IOError: Error, Sendable {
  /// What was being done.
  public let operation: Operation
  /// What went wrong.
  public let reason: Reason
  /// The error of another layer that led to this one: a TLS alert, a resolver's answer, a failure of a transport that is
  /// not ours. `nil` for errors of this library's own.
  public let cause: (any Error)?

  /// An error of `operation`, for `reason`.
  public init(_ operation: Operation, _ reason: Reason) {
    self.operation = operation
    self.reason = reason
    cause = nil
  }

  /// An error of `operation`, because of an error of another layer. Its reason is ``Reason/foreign`` unless another fits.
  public init(_ operation: Operation, _ reason: Reason = .foreign, causedBy cause: any Error) {
    self.operation = operation
    self.reason = reason
    self.cause = cause
  }

  /// The system's error number, where the system refused.
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
  /// Inlinable, since every read and write of another module names one.
  public struct Operation: Hashable, Sendable {
    @usableFromInline
    enum Kind: UInt8, Hashable, Sendable {
      case socket, bind, listen, accept, connect, read, write, receive, send, shutdown, poll, thread, resolve, open
    }

    @usableFromInline let kind: Kind

    @inlinable
    init(_ kind: Kind) { self.kind = kind }

    /// Making a socket, or setting one of its options.
    @inlinable public static var socket: Operation { Operation(.socket) }
    /// Binding a socket to an address.
    @inlinable public static var bind: Operation { Operation(.bind) }
    /// Starting to listen, on any runtime.
    @inlinable public static var listen: Operation { Operation(.listen) }
    /// Waiting for, or taking, a connection.
    @inlinable public static var accept: Operation { Operation(.accept) }
    /// Connecting to a peer.
    @inlinable public static var connect: Operation { Operation(.connect) }
    /// Reading, or waiting until that is possible.
    @inlinable public static var read: Operation { Operation(.read) }
    /// Writing, or waiting until that is possible.
    @inlinable public static var write: Operation { Operation(.write) }
    /// Receiving a datagram, or waiting until that is possible.
    @inlinable public static var receive: Operation { Operation(.receive) }
    /// Sending a datagram, or waiting until that is possible.
    @inlinable public static var send: Operation { Operation(.send) }
    /// Closing one direction of a connection.
    @inlinable public static var shutdown: Operation { Operation(.shutdown) }
    /// Watching a descriptor for readiness.
    @inlinable public static var poll: Operation { Operation(.poll) }
    /// Starting a thread.
    @inlinable public static var thread: Operation { Operation(.thread) }
    /// Asking for the addresses of a host's name.
    @inlinable public static var resolve: Operation { Operation(.resolve) }
    /// Opening a file.
    @inlinable public static var open: Operation { Operation(.open) }
  }

  /// A way in which an operation can fail.
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
    /// The address is a path that no Unix-domain socket can have: it is longer than 107 bytes, or has a NUL in it.
    public static let invalidPath = Reason(.invalidPath)
    /// Another layer failed, as ``IOError/cause`` says.
    public static let foreign = Reason(.foreign)
    /// The system refused: `code` is `errno` after the call that failed.
    public static func system(_ code: Int32) -> Reason { Reason(.system(code)) }

    /// The system's error number, where the system refused.
    public var errno: Int32? { if case .system(let code) = kind { code } else { nil } }
  }
}

extension IOError.Operation: CustomStringConvertible {
  /// The operation's name in this library: `connect`, `read`.
  public var description: String { "\(kind)" }
}

extension IOError: CustomStringConvertible {
  /// For a person to read, as in "bind: Address already in use (errno 98)".
  public var description: String {
    let cause = cause.map { "\($0)" }
    guard reason != .foreign else { return "\(operation): \(cause ?? "another layer failed")" }
    return "\(operation): \(reason)" + (cause.map { " (\($0))" } ?? "")
  }
}

extension IOError.Reason: CustomStringConvertible {
  /// For a person to read, as in "Address already in use (errno 98)".
  public var description: String {
    switch kind {
    case .closed: "closed"
    case .cancelled: "cancelled"
    case .busy: "another task is already waiting for this"
    case .invalidPath: "a Unix-domain socket's path has at most 107 bytes, and no NUL among them"
    case .foreign: "another layer failed"
    case .system(let code): "\(systemErrorMessage(code)) (errno \(code))"
    }
  }
}

/// The system's words for an error number.
func systemErrorMessage(_ code: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else { return "unknown error" }
    return String(cString: base)
  }
}
