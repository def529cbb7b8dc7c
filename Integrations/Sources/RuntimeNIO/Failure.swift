import NIOCore
import Runtime

/// Both libraries have an `IOError`. In this module it is Gearbox's; public declarations spell it out.
typealias IOError = Runtime.IOError

/// Why something of NIO's has failed.
struct Failure {
  private let reason: IOError.Reason
  private let cause: (any Error)?

  /// What the system said with this error number.
  init(_ code: Int32) {
    reason = .system(code)
    cause = nil
  }

  /// What NIO says.
  init(_ error: any Error) {
    let code = (error as? NIOCore.IOError)?.errnoCode
    reason = code.map { .system($0) } ?? .foreign
    cause = code == nil ? error : nil
  }

  /// The error of an operation that failed for it.
  func error(_ operation: IOError.Operation) -> IOError {
    if let cause { IOError(operation, reason, causedBy: cause) } else { IOError(operation, reason) }
  }
}
