package org.adjoint.cuda.driver;

/** A library or a folder can't serve; the message is the reason, in words that follow its path and a colon. */
final class Unfit extends Exception {
    private static final long serialVersionUID = 1L;

    Unfit(String reason) {
        super(reason);
    }
}
