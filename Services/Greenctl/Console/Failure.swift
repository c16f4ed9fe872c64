/// Why a command ends without having done what was asked, in one line that says what to do.
package struct Failure: Error, Equatable {
    /// What the shell is told; the numbers are those of `sysexits.h` where it has one.
    package enum Exit: Int32, Sendable {
        /// A service refused, or a check did not hold.
        case refused = 1
        case usage = 64
        /// A service that is needed does not answer.
        case unreachable = 69
        /// The data folder, a key or a run file is not as it must be.
        case configuration = 78
    }

    package let exit: Exit
    package let message: String
    /// The stable name of a service's refusal, such as `out_of_stock`; nil if it is our own.
    package let code: String?

    package init(_ exit: Exit, _ message: String, code: String? = nil) {
        self.exit = exit
        self.message = message
        self.code = code
    }
}

extension Failure: CustomStringConvertible {
    package var description: String { message }
}
