import NIOCore
import Runtime

/// Both libraries have an `IOError`. In this module it is Gearbox's; public declarations qualify it.
typealias IOError = Runtime.IOError

/// The reason why an operation of NIO has failed.
struct Failure {
  private let reason: IOError.Reason
  private let cause: (any Error)?

  /// Creates the failure with the system's error number.
  init(_ code: Int32) {
    reason = .system(code)
    cause = nil
  }

  /// Creates the failure from NIO's error.
  init(_ error: any Error) {
    let code = (error as? NIOCore.IOError)?.errnoCode
    reason = code.map { .system($0) } ?? .foreign
    cause = code == nil ? error : nil
  }

  /// Returns the error of an operation with this reason.
  func error(_ operation: IOError.Operation) -> IOError {
    if let cause { IOError(operation, reason, causedBy: cause) } else { IOError(operation, reason) }
  }
}
