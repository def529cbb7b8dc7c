extension Error {
  /// Whether the error means that the task was cancelled.
  ///
  /// Streams and listeners throw only ``IOError``, and so report cancellation as ``IOError/Reason/cancelled``. Other
  /// operations, such as a sleep, throw Swift's `CancellationError`.
  public var isCancellation: Bool {
    self is CancellationError || (self as? IOError)?.reason == .cancelled
  }
}
