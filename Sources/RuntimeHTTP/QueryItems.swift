/// The items of a query.
public struct QueryItems: Sendable {
  init(_ encoded: ArraySlice<UInt8>) {}
}
