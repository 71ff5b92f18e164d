package org.adjoint.cuda.driver;

/** A card's memory as the driver hands it out: slow calls, large pieces. */
interface RawMemory {
    /** @return the address, aligned to 256 bytes; 0 if there is not enough memory */
    long take(long bytes);

    void release(long address);

    /** Waits until the card uses nothing that was freed. */
    void synchronize();

    /** Whether it can be waited for the card now. */
    boolean mayWait();

    /** Bytes of the card that nobody has, and all of them. */
    long[] freeAndTotal();
}
