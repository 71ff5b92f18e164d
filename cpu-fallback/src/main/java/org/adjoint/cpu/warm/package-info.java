/** Bringing new vector code to speed in the background, while what is slower for good and faster at first runs. */
package org.adjoint.cpu.warm;
