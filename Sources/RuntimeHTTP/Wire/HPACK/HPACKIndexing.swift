/// Whether the tables of both ends take in a line that is sent (RFC 7541 section 6.2).
package enum HPACKIndexing: Sendable {
  /// They do, so that the line is an index when it comes again.
  case incremental
  /// They do not.
  case without
  /// They do not, nor does any table on the way from here on: a secret, which somebody who can add lines of his own to
  /// the same connection could guess piece by piece from the lengths (section 7.1).
  case never
}
