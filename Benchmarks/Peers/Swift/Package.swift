// swift-tools-version: 6.2
// The servers that Swift programs use otherwise, and Hummingbird's router on Gearbox's engine.
import PackageDescription

let package = Package(
  name: "SwiftPeers",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "gearbox", path: "../../.."),
    .package(name: "gearbox-integrations", path: "../../../Integrations"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
  ],
  targets: [
    .executableTarget(
      name: "NIOHello",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    .executableTarget(
      name: "HummingbirdHello",
      dependencies: [
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .executableTarget(
      name: "HummingbirdOnGearbox",
      dependencies: [
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "RuntimeHummingbird", package: "gearbox-integrations"),
        .product(name: "Runtime", package: "gearbox"), .product(name: "RuntimeHTTP", package: "gearbox"),
        .product(name: "RuntimeSelection", package: "gearbox"),
      ]),
  ]
)
