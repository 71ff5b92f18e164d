/**
 * Elementwise groups on the CPU. {@link org.adjoint.cpu.group.Expressions} says what each op computes, in the operations
 * of {@link org.adjoint.cpu.group.Machine}; {@link org.adjoint.cpu.group.KernelGenerator} makes loops of them, scalar or
 * in vectors; {@link org.adjoint.cpu.group.GroupCompiler} runs groups with these, block by block or compiled, and
 * {@link org.adjoint.cpu.group.RowKernels} offers them to kernels written by hand.
 */
package org.adjoint.cpu.group;
