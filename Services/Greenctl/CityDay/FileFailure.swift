import Glibc

/// The file system refused what was asked of it.
package struct FileFailure: Error, Equatable, CustomStringConvertible {
    package let operation: String
    package let path: String
    /// The `errno` of the call.
    package let code: Int32

    /// Takes `errno` at once: whatever is called in between may change it.
    init(_ operation: String, _ path: String) {
        code = errno
        self.operation = operation
        self.path = path
    }

    package var description: String {
        "cannot \(operation) \(path): \(String(cString: strerror(code)))"
    }
}
