/// A stream that can pass open descriptors to the peer process: a Unix-domain socket (`SCM_RIGHTS`, unix(7)).
public protocol DescriptorPassing: ByteStream {
  /// Writes all of `bytes`, at least one, and passes `descriptors` along with the first byte.
  ///
  /// The peer receives its own descriptors for the same open files. The caller keeps ownership of `descriptors` and may
  /// close them once the call has returned.
  ///
  /// - Throws: ``IOError``, with `EINVAL` if `bytes` is empty, if there are more than 253 descriptors, or if the stream
  ///   is not a Unix-domain socket. If the call is cancelled, the descriptors have been passed if and only if a byte
  ///   has been written.
  func write(_ bytes: RawSpan, passing descriptors: [Int32]) async throws(IOError)

  /// Reads like ``ByteStream/read(into:)``, and appends the descriptors that the peer passed along with these bytes to
  /// `descriptors`. The caller owns them. They are close-on-exec.
  ///
  /// Descriptors are closed if the bytes they came with are read by any other function.
  func read(into buffer: inout OutputRawSpan, descriptors: inout [Int32]) async throws(IOError) -> Int
}
