"""Where things are."""

from django.urls import path
from store import views

urlpatterns = [
    path("login/", views.log_in, name="login"),
    path("products/", views.product_list, name="products"),
    path("products/<slug:slug>/", views.product_detail, name="product"),
    path("cart/", views.cart, name="cart"),
    path("cart/add/", views.cart_add, name="cart-add"),
    path("checkout/", views.checkout, name="checkout"),
    path("orders/<str:number>/", views.order_detail, name="order"),
    path("reports/<int:year>/", views.sales_report, name="report"),
]
