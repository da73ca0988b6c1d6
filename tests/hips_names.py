"""The functions for which HIPS/autograd 1.9 has a gradient, read off what it registers."""

HIPS = {
    "numpy": (
        "absolute add amax amin angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh array_split astype atleast_1d "
        "atleast_2d atleast_3d broadcast_to clip conjugate cos cosh cross cumsum deg2rad degrees diag diagonal diff divide dot "
        "dsplit einsum exp exp2 expand_dims expm1 fabs fliplr flipud fmax fmin full gradient hsplit hypot imag inner kron "
        "linspace log log10 log1p log2 logaddexp logaddexp2 matmul max maximum mean min minimum moveaxis multiply nan_to_num "
        "negative outer pad partition power prod rad2deg radians ravel real real_if_close reciprocal remainder repeat reshape "
        "roll rollaxis rot90 sin sinc sinh sort split sqrt square squeeze std subtract sum swapaxes tan tanh tensordot tile "
        "trace transpose tril triu var vsplit where"
    ),
    "numpy.fft": "fft fft2 fftn fftshift ifft ifft2 ifftn ifftshift irfft irfft2 irfftn rfft rfft2 rfftn",
    "numpy.linalg": "cholesky det eig eigh inv norm pinv slogdet solve svd",
    "scipy.special": (
        "beta betainc betaln erf erfc erfcinv erfinv expit gamma gammainc gammaincc gammaln gammasgn i0 i1 iv ive j0 j1 jv "
        "logit logsumexp multigammaln polygamma psi rgamma y0 y1 yn"
    ),
    "scipy.linalg": "solve_banded solve_sylvester solve_triangular sqrtm",
    "scipy.signal": "convolve",
    "scipy.integrate": "odeint",
    "scipy.stats": (
        "beta.cdf beta.logpdf beta.pdf chi2.cdf chi2.logpdf chi2.pdf dirichlet.logpdf dirichlet.pdf gamma.cdf gamma.logpdf "
        "gamma.pdf multivariate_normal.entropy multivariate_normal.logpdf multivariate_normal.pdf norm.cdf norm.logcdf "
        "norm.logpdf norm.logsf norm.pdf norm.sf poisson.cdf poisson.logpmf poisson.pmf t.cdf t.logcdf t.logpdf t.pdf"
    ),
}

#: The functions of functions, by the module that holds them.
HIPS_TRANSFORMS = {
    "autograd": (
        "checkpoint deriv elementwise_grad grad grad_and_aux grad_named hessian hessian_tensor_product "
        "hessian_vector_product holomorphic_grad jacobian make_ggnvp make_hvp make_jvp make_vjp multigrad_dict "
        "tensor_jacobian_product value_and_grad vector_jacobian_product"
    ),
    "autograd.misc": "flatten",
    "autograd.misc.optimizers": "adam rmsprop sgd",
    "autograd.test_util": "check_grads",
}

#: Those that minigrad does not have, and what to write instead.
HIPS_LEFT_OUT = {"grad_named": "argnums", "multigrad_dict": "argnums"}
