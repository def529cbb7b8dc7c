/// How the dynamic tables of both ends treat a line that is sent (RFC 7541 section 6.2).
package enum HPACKIndexing: Sendable {
  /// The tables add it, so that it is sent as an index the next time.
  case incremental
  /// The tables do not add it.
  case without
  /// Neither these tables nor those of any later hop add it. For secrets: an attacker who can add lines to the same
  /// connection could guess an indexed value piece by piece from the lengths (section 7.1).
  case never
}
