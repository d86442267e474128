"""What the data hold of an image, and what deconvolution added to them."""

import numpy as np


def unsupported_image(restored, model, psf):
    """
    Subtract from the image of one channel what its data hold.

    The image is I = B * M + R and the dirty image D = P * M + R, with model M, residual R, restoring beam B and PSF P.
    Their difference (B - P) * M is what deconvolution put into the image and the data do not hold.

    Parameters
    ----------
    restored : 2D float32 `~numpy.ndarray`
        Restored model B * M [y, x] in Jy/beam: image minus residual. NaN where it is blank.
    model : 2D float32 `~numpy.ndarray`
        Model in Jy/pixel.
    psf : 2D float32 `~numpy.ndarray`
        PSF of this channel with its peak of 1 at the central pixel [ny // 2, nx // 2], where tclean puts it.

    Returns
    -------
    unsupported : 2D float32 `~numpy.ndarray`
        (B - P) * M in Jy/beam. NaN everywhere when the PSF is blank, as it is in flagged channels.
    """
    if not np.nanmax(np.abs(psf), initial=0) > 0:
        return np.full_like(restored, np.nan)
    return restored - _convolve(_zero_where_blank(model), _zero_where_blank(psf))


def _zero_where_blank(plane):
    return np.where(np.isnan(plane), np.float32(0), plane)


def _convolve(model, psf):
    # At twice the size the emission at one edge does not wrap round to the other.
    shape = [2 * length for length in model.shape]
    product = np.fft.rfft2(model, shape)
    product *= np.fft.rfft2(psf, shape)
    full = np.fft.irfft2(product, shape)
    top, left = (length // 2 for length in psf.shape)
    return full[top : top + model.shape[0], left : left + model.shape[1]].astype(np.float32)
