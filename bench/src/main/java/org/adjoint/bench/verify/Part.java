package org.adjoint.bench.verify;

import java.util.List;

/** A part of the verification. */
public interface Part {
    /** As {@code --part} names it. */
    String name();

    /** What it verifies, one by one. */
    List<Item> items();
}
