extension Error {
  /// Whether this error says that its task was cancelled.
  ///
  /// Streams and listeners throw nothing but ``IOError``, and so one for ``IOError/Reason/cancelled``. All else that ends
  /// when its task is cancelled, such as a sleep, throws Swift's `CancellationError`.
  public var isCancellation: Bool {
    self is CancellationError || (self as? IOError)?.reason == .cancelled
  }
}
