/**
 * The truth that other backends are tested against: a backend that interprets plans one element at a time, in double,
 * and rounds once when it stores. Written for reading, not for speed.
 *
 * <p>Inside, every element is a <em>cell</em>, a long: the bits of the double for floating dtypes, the value for
 * integers, 0 or 1 for {@code BOOL}. A plan's scalars come in the same form.
 */
package org.adjoint.reference;
