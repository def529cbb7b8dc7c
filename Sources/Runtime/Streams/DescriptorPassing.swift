/// A stream that can pass open files to the process at its other end: a Unix-domain socket (`SCM_RIGHTS`, unix(7)).
public protocol DescriptorPassing: ByteStream {
  /// Writes all of `bytes`, at least one, and passes `descriptors` along with the first of them.
  ///
  /// The peer gets descriptors of its own for the same open files. Those given stay the caller's to close, after this has
  /// returned.
  ///
  /// - Throws: ``IOError``; with `EINVAL` if there are no bytes or over 253 descriptors, and if it is no Unix-domain socket.
  ///   If it is cancelled, the descriptors have been passed exactly if a byte has been written.
  func write(_ bytes: RawSpan, passing descriptors: [Int32]) async throws(IOError)

  /// Reads as ``ByteStream/read(into:)`` does, and appends to `descriptors` those that the peer has passed along with what
  /// is read. They are the caller's to close, and are closed on exec.
  ///
  /// Descriptors that the peer has passed are lost, and closed, if what they came with is read in another way.
  func read(into buffer: inout OutputRawSpan, descriptors: inout [Int32]) async throws(IOError) -> Int
}
