import Glibc

/// Why an input or output operation ended without doing what was asked of it.
public struct IOError: Error, Hashable, Sendable {
  /// What was being done.
  public enum Operation: UInt8, Hashable, Sendable {
    /// Making a socket, or setting one of its options.
    case socket
    /// Binding a socket to an address.
    case bind
    /// Starting to listen, on any runtime.
    case listen
    /// Waiting for, or taking, a connection.
    case accept
    /// Connecting to a peer.
    case connect
    /// Reading, or waiting until that is possible.
    case read
    /// Writing, or waiting until that is possible.
    case write
    /// Closing one direction of a connection.
    case shutdown
    /// Watching a descriptor for readiness.
    case poll
    /// Starting a thread.
    case thread
  }

  /// What went wrong.
  public enum Reason: Hashable, Sendable {
    /// The stream, the listener or the whole runtime has been closed on this side.
    case closed
    /// The task that waited was cancelled.
    case cancelled
    /// Another task is already waiting for the same thing.
    case busy
    /// The address is a path that no Unix-domain socket can have: it is longer than 107 bytes, or has a NUL in it.
    case invalidPath
    /// The system refused: `errno` after the call that failed.
    case system(Int32)
  }

  /// What was being done.
  public let operation: Operation
  /// What went wrong.
  public let reason: Reason

  /// An error of `operation`, for `reason`.
  public init(_ operation: Operation, _ reason: Reason) {
    self.operation = operation
    self.reason = reason
  }

  /// The system's error number, where the system refused.
  public var errno: Int32? {
    if case .system(let code) = reason { code } else { nil }
  }
}

extension IOError: CustomStringConvertible {
  /// For a person to read, as in "bind: Address already in use (errno 98)".
  public var description: String {
    switch reason {
    case .closed: "\(operation): closed"
    case .cancelled: "\(operation): cancelled"
    case .busy: "\(operation): another task is already waiting for this"
    case .invalidPath: "\(operation): a Unix-domain socket's path has at most 107 bytes, and no NUL among them"
    case .system(let code): "\(operation): \(systemErrorMessage(code)) (errno \(code))"
    }
  }
}

/// The system's words for an error number.
private func systemErrorMessage(_ code: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else { return "unknown error" }
    return String(cString: base)
  }
}
