"""JSON in, JSON out."""

from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from store.models import Cart, Order, Product
from store.services import carts, reports
from store.services import checkout as checkout_service
from store.services.payment import PaymentDeclined
from store.services.stock import OutOfStock


@require_POST
def log_in(request: HttpRequest) -> JsonResponse:
    """Name and password; what lay in the guest's cart comes along."""
    user = authenticate(
        request, username=request.POST["username"], password=request.POST["password"]
    )
    if user is None:
        return JsonResponse({"error": "wrong name or password"}, status=403)
    guest = Cart.objects.filter(pk=request.session.get("cart")).first()
    login(request, user)
    if guest:
        carts.merge(guest, _cart_of(request))
    return JsonResponse({"name": user.username})


@require_GET
def product_list(request: HttpRequest) -> JsonResponse:
    """What is sold; `?q=` searches names."""
    products = Product.objects.filter(active=True, name__icontains=request.GET.get("q", ""))
    return JsonResponse({"products": [_product(product) for product in products]})


@require_GET
def product_detail(request: HttpRequest, slug: str) -> JsonResponse:
    """One product."""
    return JsonResponse(_product(get_object_or_404(Product, slug=slug, active=True)))


@require_GET
def cart(request: HttpRequest) -> JsonResponse:
    """What lies in the visitor's cart, and what it costs."""
    own = _cart_of(request)
    lines = {line.product.sku: line.quantity for line in own.lines.select_related("product")}
    return JsonResponse({"lines": lines, "total": str(carts.price(own).total)})


@require_POST
def cart_add(request: HttpRequest) -> JsonResponse:
    """Put pieces of a product into the cart."""
    product = get_object_or_404(Product, sku=request.POST["sku"], active=True)
    line = carts.add(_cart_of(request), product, int(request.POST.get("quantity", 1)))
    return JsonResponse({"quantity": line.quantity}, status=201)


@require_POST
@login_required
def checkout(request: HttpRequest) -> JsonResponse:
    """Buy what lies in the cart."""
    try:
        order = checkout_service.place_order(request.user, _cart_of(request), request.POST["card"])
    except checkout_service.EmptyCart as error:
        return JsonResponse({"error": str(error)}, status=400)
    except PaymentDeclined as error:
        return JsonResponse({"error": str(error)}, status=402)
    except OutOfStock as error:
        return JsonResponse({"error": str(error)}, status=409)
    return JsonResponse({"order": order.number, "total": str(order.total)}, status=201)


@require_GET
@login_required
def order_detail(request: HttpRequest, number: str) -> JsonResponse:
    """One of the visitor's own orders."""
    order = get_object_or_404(Order, number=number, user=request.user)
    return JsonResponse({"state": order.state, "total": str(order.total)})


@require_GET
@login_required
def sales_report(request: HttpRequest, year: int) -> HttpResponse:
    """The year's sales as CSV, for people who work here."""
    if not request.user.is_staff:
        return HttpResponse(status=403)
    return HttpResponse(reports.as_csv(year), content_type="text/csv")


def _cart_of(request: HttpRequest) -> Cart:
    if request.user.is_authenticated:
        return Cart.objects.get_or_create(user=request.user)[0]
    cart = Cart.objects.filter(pk=request.session.get("cart")).first() or Cart.objects.create()
    request.session["cart"] = cart.pk
    return cart


def _product(product: Product) -> dict[str, str]:
    return {"sku": product.sku, "name": product.name, "price": str(product.price)}
