"""Which functions of scipy.special, linalg and signal there are, and why the others are not."""

from __future__ import annotations

from typing import Any

import pytest
import scipy.linalg
import scipy.special

from minigrad.scipy import linalg, special

#: Functions without a counterpart, by reason.
ABSENT: dict[Any, dict[str, str]] = {
    special: {
        "integers and exact numbers": """
            comb perm factorial factorial2 factorialk stirling2 bernoulli euler
        """,
        "zeros, nodes and coefficients: constants, call SciPy": """
            ai_zeros bi_zeros bei_zeros beip_zeros ber_zeros berp_zeros kei_zeros keip_zeros ker_zeros kerp_zeros kelvin_zeros
            jn_zeros jnp_zeros jnjnp_zeros jnyn_zeros y0_zeros y1_zeros y1p_zeros yn_zeros ynp_zeros erf_zeros fresnel_zeros
            fresnelc_zeros fresnels_zeros c_roots cg_roots h_roots he_roots j_roots js_roots l_roots la_roots p_roots ps_roots
            s_roots t_roots ts_roots u_roots us_roots roots_chebyc roots_chebys roots_chebyt roots_chebyu roots_gegenbauer
            roots_genlaguerre roots_hermite roots_hermitenorm roots_jacobi roots_laguerre roots_legendre roots_sh_chebyt
            roots_sh_chebyu roots_sh_jacobi roots_sh_legendre mathieu_even_coef mathieu_odd_coef
        """,
        "polynomials as objects: evaluate them with eval_...": """
            chebyc chebys chebyt chebyu gegenbauer genlaguerre hermite hermitenorm jacobi laguerre legendre sh_chebyt sh_chebyu
            sh_jacobi sh_legendre
        """,
        "sequences of all orders, many functions at once": """
            obl_cv_seq pbdn_seq pbdv_seq pbvv_seq pro_cv_seq lqmn lqn riccati_jn riccati_yn lmbda assoc_legendre_p_all
            legendre_p_all sph_harm_y_all sph_legendre_p_all
        """,
        "the derivative by one parameter has no closed form, and by the other follows from what is there": """
            bdtri bdtrik bdtrin btdtria btdtrib chdtriv chndtr chndtridf chndtrinc chndtrix fdtridfd gdtria gdtrib gdtrix nbdtri
            nbdtrik nbdtrin ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc nctdtrit nrdtrimn nrdtrisd
            pdtri pdtrik stdtridf tklmbda betainccinv kolmogi kolmogorov smirnov smirnovi zetac
        """,
        "spheroidal, parabolic cylinder, Mathieu and other rare functions": """
            obl_ang1 obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv pro_ang1 pro_ang1_cv pro_cv pro_rad1 pro_rad1_cv
            pro_rad2 pro_rad2_cv pbdv pbvv pbwa mathieu_a mathieu_b mathieu_cem mathieu_modcem1 mathieu_modcem2 mathieu_modsem1
            mathieu_modsem2 mathieu_sem ellip_harm ellip_harm_2 ellip_normal modfresnelm modfresnelp besselpoly diric agm
            wright_bessel log_wright_bessel voigt_profile hyperu
        """,
        "elliptic integrals and functions of two arguments and more": """
            ellipeinc ellipj ellipkinc elliprc elliprd elliprf elliprg elliprj
        """,
        "Kelvin's functions: iv and kv of complex arguments say the same": """
            bei beip ber berp kei keip kelvin ker kerp
        """,
        "scaled and complex forms of jv, yv, kv and airy": """
            jve yve hankel1 hankel1e hankel2 hankel2e h1vp h2vp airye
        """,
        "integrals of Bessel, Struve and Airy functions": """
            it2i0k0 it2j0y0 it2struve0 itairy iti0k0 itj0y0 itmodstruve0 itstruve0
        """,
        "other scalings of polynomials that are there": """
            eval_chebyc eval_chebys eval_sh_chebyt eval_sh_chebyu eval_sh_jacobi eval_sh_legendre assoc_laguerre
        """,
        "functions of spheres": """
            assoc_legendre_p legendre_p lpmv sph_harm_y sph_legendre_p spherical_in spherical_jn spherical_kn spherical_yn
        """,
        "angles in degrees, minutes and seconds; the cotangent is 1 / tandg": "radian cotdg",
        "NumPy's, or constant": "round",
        "SciPy's own settings": "geterr seterr test",
    },
    linalg: {
        "constant matrices: call SciPy": """
            companion convolution_matrix dft fiedler fiedler_companion hadamard helmert hilbert invhilbert invpascal leslie pascal
        """,
        "bands, triangles and structures: write the matrix, or solve_banded": """
            cholesky_banded cho_solve_banded solveh_banded eig_banded eigvals_banded eigh_tridiagonal eigvalsh_tridiagonal
            solve_circulant solve_toeplitz matmul_toeplitz
        """,
        "decompositions whose factors are not unique": """
            cossin hessenberg ldl ordqz qz rsf2csf cdf2rdf qr_multiply rq qr_delete qr_insert qr_update
        """,
        "functions of a matrix that eigh, expm and logm say": """
            coshm cosm expm_cond expm_frechet fractional_matrix_power funm signm sinhm sinm tanhm tanm
        """,
        "equations that solve_sylvester and optimize.implicit_root say": """
            solve_continuous_are solve_discrete_are
        """,
        "constants of a matrix: how wide, how well scaled": "bandwidth ishermitian issymmetric matrix_balance",
        "numbers of two matrices, or of many": "clarkson_woodruff_transform khatri_rao orthogonal_procrustes subspace_angles",
        "what svd and pinv say": "diagsvd pinvh",
        "SciPy's own": "find_best_blas_type get_blas_funcs get_lapack_funcs test",
    },
}
THEIRS = {special: scipy.special, linalg: scipy.linalg}


def functions(module: Any) -> set[str]:
    found = {name for name in dir(module) if not name.startswith("_")}
    modules = type(scipy)
    return {n for n in found if callable(f := getattr(module, n)) and not isinstance(f, (type, modules))}


@pytest.mark.parametrize("ours", [special, linalg], ids=["special", "linalg"])
def test_every_function_of_scipy_is_there_or_called_absent(ours: Any) -> None:
    reasons = {name for names in ABSENT[ours].values() for name in names.split()}
    assert functions(THEIRS[ours]) - set(ours.__all__) - reasons == set()


@pytest.mark.parametrize("ours", [special, linalg], ids=["special", "linalg"])
def test_nothing_that_is_there_is_called_absent(ours: Any) -> None:
    reasons = {name for names in ABSENT[ours].values() for name in names.split()}
    assert reasons & set(ours.__all__) == set()
